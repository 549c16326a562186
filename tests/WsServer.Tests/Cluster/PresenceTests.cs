using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Cluster;

/// <summary>Who is in a room over all nodes, asked for and told of.</summary>
public sealed class PresenceTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_is_in_a_room_is_known_on_every_node_with_metadata_and_since_when(bool isUsed)
    {
        await using TestNodes nodes = await TestNodes.StartAsync(3, isUsed ? io => io.UsePresence() : null);
        EventSocket ann = await ConnectAsync(nodes[0]);
        EventSocket bob = await ConnectAsync(nodes[1]);
        EventSocket eve = await ConnectAsync(nodes[1]);
        await ann.SetPresenceAsync(new Person("Ann", 30));
        await ann.JoinAsync("room");
        await bob.JoinAsync("room", "mute");
        await bob.SetPresenceAsync(new Person("Bob", 40));
        await eve.JoinAsync("other");

        foreach (int i in new[] { 0, 1, 2 })
        {
            EventServer io = nodes[i].Io;
            IReadOnlyList<PresenceEntry> entries = await UntilAsync(() => io.In("room").PresenceAsync(), e => e.Count(p => p.Metadata is not null) == 2);

            entries.Select(e => (e.Sid, e.Node, e.Get<Person>()!.Name)).Should().BeEquivalentTo(
                new[] { (ann.Id, nodes[0].Io.Nodes[0].Id, "Ann"), (bob.Id, nodes[1].Io.Nodes[0].Id, "Bob") });
            entries.Should().BeInAscendingOrder(e => e.JoinedAt);
            entries.Should().OnlyContain(e => e.JoinedAt > DateTimeOffset.UtcNow.AddMinutes(-5) && e.JoinedAt < DateTimeOffset.UtcNow.AddMinutes(5));
            entries.Single(e => e.Sid == bob.Id).Metadata!.Value.GetProperty("age").GetInt32().Should().Be(40);

            (await UntilAsync(() => io.In("room", "other").PresenceAsync(), e => e.Count == 3)).Select(e => e.Sid).Should().OnlyHaveUniqueItems();
            (await io.In("room", "other").Except("mute").PresenceAsync()).Select(e => e.Sid).Should().BeEquivalentTo(ann.Id, eve.Id);
            (await io.In(eve.Id).PresenceAsync()).Should().ContainSingle().Which.Get<Person>().Should().BeNull();
            (await io.PresenceAsync()).Select(e => e.Sid).Should().BeEquivalentTo(ann.Id, bob.Id, eve.Id);
            (await io.Local.PresenceAsync()).Should().HaveCount(i == 2 ? 0 : i + 1);
            (await io.In("nobody").PresenceAsync()).Should().BeEmpty();
        }
    }

    [Fact]
    public async Task Every_node_is_told_who_joins_who_is_updated_and_who_leaves_in_order()
    {
        PresenceBook[] books = [new(), new(), new()];
        int started = 0;
        await using TestNodes nodes = await TestNodes.StartAsync(3, io => io.OnPresence(books[started++].Note));
        (TransportPair client, string sid) = await nodes[1].ConnectAsync();
        EventSocket socket = nodes[1].Io.Root.FindSocket(sid)!;

        await socket.JoinAsync("a", "b");
        await socket.SetPresenceAsync("busy");
        await socket.SetPresenceAsync("busy");
        await socket.LeaveAsync("a");
        await socket.SetPresenceAsync<string?>(null);
        await InMemoryServer.EndAsync(client);

        foreach (PresenceBook book in books)
        {
            await TransportPair.UntilAsync(() => book.Told.Count == 7, "all is told");
            book.Told.Should().Equal(
                $"Joined a {sid}", $"Joined b {sid}", $"Updated a {sid}", $"Updated b {sid}", $"Left a {sid}", $"Updated b {sid}", $"Left b {sid}");
            book.Wrong.Should().BeEmpty();
        }
    }

    [Fact]
    public async Task Metadata_may_be_as_long_as_allowed_and_no_longer()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(1, options: o => o.Presence.MaxMetadataBytes = 10);
        EventSocket socket = await ConnectAsync(nodes[0]);

        await socket.SetPresenceAsync("12345678");
        Func<Task> tooLong = () => socket.SetPresenceAsync("123456789");

        EventError error = (await tooLong.Should().ThrowAsync<EventException>()).Which.Error;
        error.Code.Should().Be("presence_too_large");
        ((int?)error.Details!["limit"]).Should().Be(10);
        ((int?)error.Details!["actual"]).Should().Be(11);
        (await nodes[0].Io.PresenceAsync()).Single().Get<string>().Should().Be("12345678");
    }

    [Fact]
    public async Task A_server_that_is_alone_has_presence_too()
    {
        var book = new PresenceBook();
        await using var server = new InMemoryServer();
        server.Io.OnPresence(book.Note);
        EventSocket socket = await ConnectAsync(server);
        await socket.SetPresenceAsync(new byte[] { 1, 2, 3 });

        await socket.JoinAsync("room");

        PresenceEntry entry = (await server.Io.In("room").PresenceAsync()).Single();
        entry.Node.Should().Be(server.Io.Nodes.Single().Id);
        entry.Metadata!.Value.GetString().Should().Be("AQID");
        entry.Get<byte[]>().Should().Equal(1, 2, 3);
        await TransportPair.UntilAsync(() => book.There.Count == 1, "the handler is told");
    }

    internal static async Task<EventSocket> ConnectAsync(InMemoryServer node)
    {
        (_, string sid) = await node.ConnectAsync();
        return node.Io.Root.FindSocket(sid)!;
    }

    internal static async Task<IReadOnlyList<PresenceEntry>> UntilAsync(Func<Task<IReadOnlyList<PresenceEntry>>> ask, Func<IReadOnlyList<PresenceEntry>, bool> holds)
    {
        using var patience = new CancellationTokenSource(TransportPair.Patience);
        while (true)
        {
            IReadOnlyList<PresenceEntry> entries = await ask();
            if (holds(entries))
            {
                return entries;
            }

            patience.Token.ThrowIfCancellationRequested();
            await Task.Delay(2, CancellationToken.None);
        }
    }

    private sealed record Person(string Name, int Age);
}

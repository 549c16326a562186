using FluentAssertions;
using WsServer.Backplane;
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
    public async Task A_node_that_joins_learns_who_is_there()
    {
        var exchange = new LocalExchange();
        await using TestNodes nodes = await TestNodes.StartAsync(2, io => io.UsePresence(), backplane: () => new LocalBackplane(exchange));
        var sids = new List<string>();
        for (int i = 0; i < 300; i++)
        {
            // More than one page.
            EventSocket socket = await ConnectAsync(nodes[i % 2]);
            await socket.JoinAsync("room", $"room {i}");
            await socket.SetPresenceAsync(new string('x', 1000));
            sids.Add(socket.Id);
        }

        var book = new PresenceBook();
        InMemoryServer third = await nodes.AddAsync(io => io.OnPresence(book.Note), null, new LocalBackplane(exchange));
        await nodes.MeetAsync();

        (await third.Io.In("room").PresenceAsync()).Select(e => e.Sid).Should().BeEquivalentTo(sids);
        (await third.Io.In("room 7").PresenceAsync()).Should().ContainSingle().Which.Get<string>().Should().HaveLength(1000);
        await TransportPair.UntilAsync(() => book.There.Count == 600, "the handler is told of all");
        book.Wrong.Should().BeEmpty();
    }

    [Fact]
    public async Task A_handler_that_comes_late_is_told_of_those_who_are_there()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(2);
        EventSocket here = await ConnectAsync(nodes[0]);
        EventSocket there = await ConnectAsync(nodes[1]);
        await here.JoinAsync("room");
        await there.JoinAsync("room");
        var book = new PresenceBook();
        nodes[1].Io.UsePresence();
        nodes[0].Io.OnPresence(book.Note);

        await TransportPair.UntilAsync(() => book.There.Count == 2, "it is told of both");
        book.Told.Should().BeEquivalentTo($"Joined room {here.Id}", $"Joined room {there.Id}");
    }

    [Fact]
    public async Task Nobody_of_a_node_that_dies_is_left()
    {
        var time = new ManualTime();
        PresenceBook[] books = [new(), new()];
        int started = 0;
        await using TestNodes nodes = await TestNodes.StartAsync(2, io => io.OnPresence(books[started++].Note), time: time);
        EventSocket here = await ConnectAsync(nodes[0]);
        EventSocket there = await ConnectAsync(nodes[1]);
        await here.JoinAsync("room");
        await there.JoinAsync("room");
        await TransportPair.UntilAsync(() => books[0].There.Count == 2, "both are there");
        var options = new ClusterOptions();

        await nodes.KillAsync(1);
        time.Advance(options.NodeTimeout - options.HeartbeatInterval);
        (await nodes[0].Io.In("room").PresenceAsync()).Should().HaveCount(2, "it may yet be heard of");
        time.Advance(options.HeartbeatInterval * 2);

        (await nodes[0].Io.In("room").PresenceAsync()).Should().ContainSingle().Which.Sid.Should().Be(here.Id);
        await TransportPair.UntilAsync(() => books[0].There.Count == 1, "its members have left");
        books[0].Told.Last().Should().Be($"Left room {there.Id}");
        books[0].Wrong.Should().BeEmpty();
    }

    [Fact]
    public async Task Who_was_on_a_node_that_stops_in_good_order_leaves_at_once()
    {
        var time = new ManualTime();
        var book = new PresenceBook();
        await using TestNodes nodes = await TestNodes.StartAsync(2, io => io.OnPresence(book.Note), time: time);
        await (await ConnectAsync(nodes[1])).JoinAsync("room");
        await UntilAsync(() => nodes[0].Io.In("room").PresenceAsync(), e => e.Count == 1);

        await nodes.StopAsync(1);

        await UntilAsync(() => nodes[0].Io.In("room").PresenceAsync(), e => e.Count == 0);
    }

    [Fact]
    public async Task What_was_lost_on_the_way_is_made_good_by_the_next_heartbeat()
    {
        var time = new ManualTime();
        var exchange = new LocalExchange();
        var book = new PresenceBook();
        LossyBackplane? lossy = null;
        await using TestNodes nodes = await TestNodes.StartAsync(
            2, io => io.OnPresence(book.Note), backplane: () => lossy = new LossyBackplane(exchange, WsServer.Cluster.MessageKind.Presence), time: time);
        EventSocket stays = await ConnectAsync(nodes[1]);
        EventSocket goes = await ConnectAsync(nodes[1]);
        await stays.JoinAsync("room", "left");
        await goes.JoinAsync("room");
        await UntilAsync(() => nodes[0].Io.In("room").PresenceAsync(), e => e.Count == 2);

        lossy!.Loses = true;
        await stays.LeaveAsync("left");
        await stays.SetPresenceAsync("changed");
        await goes.DisconnectAsync();
        EventSocket comes = await ConnectAsync(nodes[1]);
        await comes.JoinAsync("room");
        await TransportPair.UntilAsync(() => lossy.Lost == 5, "a leave, new metadata, an exit, an entry and a join are lost");
        lossy.Loses = false;
        (await nodes[0].Io.In("room").PresenceAsync()).Select(e => e.Sid).Should().BeEquivalentTo(stays.Id, goes.Id);

        time.Advance(new ClusterOptions().HeartbeatInterval);

        IReadOnlyList<PresenceEntry> entries = await UntilAsync(() => nodes[0].Io.In("room").PresenceAsync(), e => e.Any(p => p.Sid == comes.Id));
        entries.Select(e => (e.Sid, e.Get<string>())).Should().BeEquivalentTo(new[] { (stays.Id, "changed"), (comes.Id, (string?)null) });
        (await nodes[0].Io.In("left").PresenceAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task A_node_without_a_connection_sees_the_others_leave_and_come_again_when_it_is_back()
    {
        var time = new ManualTime();
        var exchange = new LocalExchange();
        PresenceBook[] books = [new(), new()];
        int started = 0;
        LossyBackplane? lossy = null;
        await using TestNodes nodes = await TestNodes.StartAsync(
            2, io => io.OnPresence(books[started++].Note), backplane: () => lossy = new LossyBackplane(exchange, WsServer.Cluster.MessageKind.Presence), time: time);
        EventSocket here = await ConnectAsync(nodes[0]);
        EventSocket there = await ConnectAsync(nodes[1]);
        await here.JoinAsync("room");
        await there.JoinAsync("room");
        await TransportPair.UntilAsync(() => Array.TrueForAll(books, b => b.There.Count == 2), "each knows the other");

        lossy!.Cut();
        await here.SetPresenceAsync("here");
        await there.SetPresenceAsync("there");
        time.Advance(new ClusterOptions().NodeTimeout * 2);
        await TransportPair.UntilAsync(() => Array.TrueForAll(books, b => b.There.Count == 1), "each is alone");
        lossy.Restore();

        await TransportPair.UntilAsync(() => Array.TrueForAll(books, b => b.There.Count == 2), "each knows the other again");
        string[] both = [$"room {here.Id} \"here\"", $"room {there.Id} \"there\""];
        books.Should().OnlyContain(b => b.There.SequenceEqual(both.Order(StringComparer.Ordinal)));
        books.SelectMany(b => b.Wrong).Should().BeEmpty();
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

    [Fact]
    public async Task A_handler_that_fails_is_logged_and_called_again_and_so_are_the_others()
    {
        var book = new PresenceBook();
        await using var server = new InMemoryServer();
        server.Io.OnPresence(new Action<PresenceChange>(_ => throw new InvalidOperationException("on purpose")));
        server.Io.OnPresence(async change =>
        {
            await Task.Yield();
            book.Note(change);
        });
        EventSocket socket = await ConnectAsync(server);

        await socket.JoinAsync("a");
        await socket.JoinAsync("b");

        await TransportPair.UntilAsync(() => book.There.Count == 2, "the other is told");
        server.Errors.Should().HaveCount(2).And.OnlyContain(e => e.Contains("on purpose"));
    }

    [Fact]
    public async Task A_handler_that_falls_behind_is_told_the_difference()
    {
        var book = new PresenceBook();
        var gate = new TaskCompletionSource();
        await using var server = new InMemoryServer(o => o.Presence.MaxQueuedChanges = 3);
        server.Io.OnPresence(async change =>
        {
            book.Note(change);
            await gate.Task;
        });
        EventSocket first = await ConnectAsync(server);
        await first.JoinAsync("room");
        await TransportPair.UntilAsync(() => book.Told.Count == 1, "the handler hangs");

        // Three wait, the others do not.
        await first.JoinAsync("a", "b", "c");
        await first.JoinAsync("d");
        await first.SetPresenceAsync(1);
        await first.LeaveAsync("a");
        EventSocket second = await ConnectAsync(server);
        await second.JoinAsync("passing", "room");
        await second.LeaveAsync("passing");
        gate.SetResult();

        string[] expected = [$"b {first.Id} 1", $"c {first.Id} 1", $"d {first.Id} 1", $"room {first.Id} 1", $"room {second.Id} "];
        await TransportPair.UntilAsync(() => book.There.SequenceEqual(expected.Order(StringComparer.Ordinal)), "its books are right");
        book.Wrong.Should().BeEmpty();
        book.Told.Should().NotContain($"Joined passing {second.Id}");
    }

    [Fact]
    public async Task A_dynamic_namespace_has_presence_on_every_node_and_is_told_of_those_there_when_it_begins()
    {
        var book = new PresenceBook();
        await using TestNodes nodes = await TestNodes.StartAsync(2, io => io.Of(name => name.StartsWith("/game-", StringComparison.Ordinal), game => game.OnPresence(book.Note)));
        (TransportPair first, string sid) = await nodes[0].ConnectAsync("/game-1");
        await nodes[0].Io.Of("/game-1").FindSocket(sid)!.JoinAsync("table");
        await TransportPair.UntilAsync(() => book.Told.Count == 1, "the first is told of");

        (TransportPair second, _) = await nodes[1].ConnectAsync("/game-1");

        await TransportPair.UntilAsync(() => book.Told.Count == 2, "the other node is told");
        book.Told.Should().Equal($"Joined table {sid}", $"Joined table {sid}");
        (await nodes[1].Io.Of("/game-1").In("table").PresenceAsync()).Should().ContainSingle().Which.Sid.Should().Be(sid);
        await InMemoryServer.EndAsync(first);
        await TransportPair.UntilAsync(() => book.Told.Count >= 3, "the first has left");
        await InMemoryServer.EndAsync(second);
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

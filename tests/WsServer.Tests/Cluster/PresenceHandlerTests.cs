using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Cluster;

/// <summary>Handlers of presence: late, failing, slow, and of namespaces that come and go.</summary>
public sealed class PresenceHandlerTests
{
    [Fact]
    public async Task A_handler_that_comes_late_is_told_of_those_who_are_there()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(2);
        EventSocket here = await PresenceTests.ConnectAsync(nodes[0]);
        EventSocket there = await PresenceTests.ConnectAsync(nodes[1]);
        await here.JoinAsync("room");
        await there.JoinAsync("room");
        var book = new PresenceBook();
        nodes[1].Io.UsePresence();
        nodes[0].Io.OnPresence(book.Note);

        await TransportPair.UntilAsync(() => book.There.Count == 2, "it is told of both");
        book.Told.Should().BeEquivalentTo($"Joined room {here.Id}", $"Joined room {there.Id}");
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
        EventSocket socket = await PresenceTests.ConnectAsync(server);

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
        EventSocket first = await PresenceTests.ConnectAsync(server);
        await first.JoinAsync("room");
        await TransportPair.UntilAsync(() => book.Told.Count == 1, "the handler hangs");

        // Three wait, the others do not.
        await first.JoinAsync("a", "b", "c");
        await first.JoinAsync("d");
        await first.SetPresenceAsync(1);
        await first.LeaveAsync("a");
        EventSocket second = await PresenceTests.ConnectAsync(server);
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
}

using FluentAssertions;
using WsServer.Backplane;
using WsServer.Cluster;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Cluster;

/// <summary>What becomes of presence when nodes come, go, die, and do not hear each other.</summary>
public sealed class PresenceNodeTests
{
    [Fact]
    public async Task A_node_that_joins_learns_who_is_there()
    {
        var exchange = new LocalExchange();
        await using TestNodes nodes = await TestNodes.StartAsync(2, io => io.UsePresence(), backplane: () => new LocalBackplane(exchange));
        var sids = new List<string>();
        for (int i = 0; i < 300; i++)
        {
            // More than one page.
            EventSocket socket = await PresenceTests.ConnectAsync(nodes[i % 2]);
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
    public async Task Nobody_of_a_node_that_dies_is_left()
    {
        var time = new ManualTime();
        PresenceBook[] books = [new(), new()];
        int started = 0;
        await using TestNodes nodes = await TestNodes.StartAsync(2, io => io.OnPresence(books[started++].Note), time: time);
        EventSocket here = await PresenceTests.ConnectAsync(nodes[0]);
        EventSocket there = await PresenceTests.ConnectAsync(nodes[1]);
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
        await (await PresenceTests.ConnectAsync(nodes[1])).JoinAsync("room");
        await PresenceTests.UntilAsync(() => nodes[0].Io.In("room").PresenceAsync(), e => e.Count == 1);

        await nodes.StopAsync(1);

        await PresenceTests.UntilAsync(() => nodes[0].Io.In("room").PresenceAsync(), e => e.Count == 0);
    }

    [Fact]
    public async Task What_was_lost_on_the_way_is_made_good_by_the_next_heartbeat()
    {
        var time = new ManualTime();
        var exchange = new LocalExchange();
        var book = new PresenceBook();
        LossyBackplane? lossy = null;
        await using TestNodes nodes = await TestNodes.StartAsync(
            2, io => io.OnPresence(book.Note), backplane: () => lossy = new LossyBackplane(exchange, MessageKind.Presence), time: time);
        EventSocket stays = await PresenceTests.ConnectAsync(nodes[1]);
        EventSocket goes = await PresenceTests.ConnectAsync(nodes[1]);
        await stays.JoinAsync("room", "left");
        await goes.JoinAsync("room");
        await PresenceTests.UntilAsync(() => nodes[0].Io.In("room").PresenceAsync(), e => e.Count == 2);

        lossy!.Loses = true;
        await stays.LeaveAsync("left");
        await stays.SetPresenceAsync("changed");
        await goes.DisconnectAsync();
        EventSocket comes = await PresenceTests.ConnectAsync(nodes[1]);
        await comes.JoinAsync("room");
        await TransportPair.UntilAsync(() => lossy.Lost == 5, "a leave, new metadata, an exit, an entry and a join are lost");
        lossy.Loses = false;
        (await nodes[0].Io.In("room").PresenceAsync()).Select(e => e.Sid).Should().BeEquivalentTo(stays.Id, goes.Id);

        time.Advance(new ClusterOptions().HeartbeatInterval);

        IReadOnlyList<PresenceEntry> entries = await PresenceTests.UntilAsync(() => nodes[0].Io.In("room").PresenceAsync(), e => e.Any(p => p.Sid == comes.Id));
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
            2, io => io.OnPresence(books[started++].Note), backplane: () => lossy = new LossyBackplane(exchange, MessageKind.Presence), time: time);
        EventSocket here = await PresenceTests.ConnectAsync(nodes[0]);
        EventSocket there = await PresenceTests.ConnectAsync(nodes[1]);
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
}

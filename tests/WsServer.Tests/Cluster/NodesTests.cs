using System.Text.Json.Nodes;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Cluster;

/// <summary>What works on one node works over several, with the same calls.</summary>
public sealed class NodesTests
{
    [Fact]
    public async Task An_emit_to_all_reaches_the_sockets_of_every_node_once()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(3);
        TransportPair[] clients = [(await nodes[0].ConnectAsync()).Client, (await nodes[1].ConnectAsync()).Client, (await nodes[2].ConnectAsync()).Client];

        await nodes[1].Io.EmitAsync("news", "first");
        await nodes[1].Io.EmitAsync("news", "second");

        foreach (TransportPair client in clients)
        {
            ((string?)await TestNodes.EventAsync(client, "news")).Should().Be("first");
            ((string?)await TestNodes.EventAsync(client, "news")).Should().Be("second");
        }
    }

    [Fact]
    public async Task An_emit_to_rooms_reaches_their_members_on_every_node_but_those_left_out()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(2);
        (TransportPair here, string sidHere) = await nodes[0].ConnectAsync();
        (TransportPair there, string sidThere) = await nodes[1].ConnectAsync();
        (TransportPair muted, string sidMuted) = await nodes[1].ConnectAsync();
        await nodes[0].Io.Root.FindSocket(sidHere)!.JoinAsync("a");
        await nodes[1].Io.Root.FindSocket(sidThere)!.JoinAsync("b", "a");
        await nodes[1].Io.Root.FindSocket(sidMuted)!.JoinAsync("a", "mute");

        await nodes[0].Io.To("a", "b").Except("mute").EmitAsync("news", 1);
        await nodes[0].Io.EmitAsync("end");

        ((int?)await TestNodes.EventAsync(here, "news")).Should().Be(1);
        ((int?)await TestNodes.EventAsync(there, "news")).Should().Be(1);
        JsonNode.Parse(await there.ReceiveTextAsync())!["event"]!.GetValue<string>().Should().Be("end", "it is in two of the rooms and gets the event once");
        JsonNode.Parse(await muted.ReceiveTextAsync())!["event"]!.GetValue<string>().Should().Be("end");
    }

    [Fact]
    public async Task A_socket_is_reached_by_its_id_from_any_node()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(2);
        (TransportPair client, string sid) = await nodes[1].ConnectAsync();

        await nodes[0].Io.To(sid).EmitAsync("you", new byte[] { 1, 2, 3 });

        ((string?)await TestNodes.EventAsync(client, "you")).Should().Be("AQID");
    }

    [Fact]
    public async Task Local_stays_on_the_node()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(2);
        (TransportPair here, _) = await nodes[0].ConnectAsync();
        (TransportPair there, _) = await nodes[1].ConnectAsync();

        await nodes[0].Io.Local.EmitAsync("here");
        await nodes[0].Io.EmitAsync("end");

        await TestNodes.EventAsync(here, "here");
        JsonNode.Parse(await there.ReceiveTextAsync())!["event"]!.GetValue<string>().Should().Be("end");
        (await nodes[0].Io.Local.FetchSocketsAsync()).Should().HaveCount(1);
        (await nodes[0].Io.FetchSocketsAsync()).Should().HaveCount(2);
    }

    [Fact]
    public async Task Acks_come_from_the_sockets_of_every_node_each_with_its_id()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(2);
        (TransportPair here, string sidHere) = await nodes[0].ConnectAsync();
        (TransportPair there, string sidThere) = await nodes[1].ConnectAsync();
        (TransportPair silent, string sidSilent) = await nodes[1].ConnectAsync();
        (TransportPair failing, string sidFailing) = await nodes[1].ConnectAsync();

        Task<BroadcastAcks<string>> asking = nodes[0].Io.Timeout(TimeSpan.FromSeconds(2)).EmitWithAcksAsync<string>("who");
        await AnswerAsync(here, "\"data\":\"here\"");
        await AnswerAsync(there, "\"data\":\"there\"");
        await AnswerAsync(failing, "\"error\":{\"code\":\"busy\",\"message\":\"Not now.\",\"until\":5}");
        BroadcastAcks<string> acks = await asking;

        acks.Should().HaveCount(4);
        acks.Values.Should().BeEquivalentTo("here", "there");
        acks.TimedOut.Should().Equal(sidSilent);
        acks.Single(a => a.Sid == sidHere).Value.Should().Be("here");
        acks.Single(a => a.Sid == sidThere).Value.Should().Be("there");
        BroadcastAck<string> failed = acks.Single(a => a.Sid == sidFailing);
        failed.Error!.Code.Should().Be("busy");
        ((int?)failed.Error.Details!["until"]).Should().Be(5);
        silent.IsGoodbyeSaid.Should().BeFalse();
    }

    [Fact]
    public async Task A_socket_of_another_node_that_leaves_is_not_waited_for()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(2);
        (TransportPair there, string sid) = await nodes[1].ConnectAsync();

        Task<BroadcastAcks<string>> asking = nodes[0].Io.EmitWithAcksAsync<string>("who");
        await there.ReceiveTextAsync();
        there.Close();

        (await asking.WaitAsync(Within.Reason)).Left.Should().Equal(sid);
    }

    [Fact]
    public async Task The_sockets_of_a_node_that_dies_are_not_waited_for()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(2, options: Fast);
        (TransportPair there, string sid) = await nodes[1].ConnectAsync();

        Task<BroadcastAcks<string>> asking = nodes[0].Io.Timeout(TimeSpan.FromMinutes(5)).EmitWithAcksAsync<string>("who");
        await there.ReceiveTextAsync();

        // Answered behind the word of who was asked.
        await nodes[0].Io.In(sid).CountAsync();
        await nodes[1].Services.GetRequiredService<WsServer.Backplane.IBackplane>().DisposeAsync();

        (await asking.WaitAsync(Within.Reason)).Left.Should().Equal(sid);
        await TransportPair.UntilAsync(() => nodes[0].Io.Nodes.Count == 1, "the node is gone");
    }

    [Fact]
    public async Task Sockets_of_every_node_are_found_with_rooms_handshake_and_items()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(2);
        (_, string sid) = await nodes[1].ConnectAsync();
        EventSocket socket = nodes[1].Io.Root.FindSocket(sid)!;
        await socket.JoinAsync("lobby");
        socket.Items["name"] = "Ann";
        socket.Items["age"] = 30;
        socket.Items["open"] = new object();

        IReadOnlyList<RemoteSocket> sockets = await nodes[0].Io.In("lobby").FetchSocketsAsync();

        RemoteSocket found = sockets.Should().ContainSingle().Subject;
        found.Id.Should().Be(sid);
        found.Rooms.Should().Equal(sid, "lobby");
        found.Items.Should().BeEquivalentTo(new Dictionary<object, object?> { ["name"] = "Ann", ["age"] = 30 });
        found.Handshake.Time.Should().Be(socket.Handshake.Time);
        (await nodes[0].Io.In("lobby").CountAsync()).Should().Be(1);
        (await nodes[0].Io.In("nobody").CountAsync()).Should().Be(0);
    }

    [Fact]
    public async Task Sockets_of_every_node_are_put_into_rooms_and_out_again()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(2);
        (TransportPair there, string sid) = await nodes[1].ConnectAsync();

        await nodes[0].Io.SocketsJoinAsync("a", "b");
        nodes[1].Io.Root.FindSocket(sid)!.Rooms.Should().Equal(sid, "a", "b");
        await nodes[0].Io.To("a").EmitAsync("in a");
        await TestNodes.EventAsync(there, "in a");

        await nodes[0].Io.In("b").SocketsLeaveAsync("a");
        nodes[1].Io.Root.FindSocket(sid)!.Rooms.Should().Equal(sid, "b");

        await nodes[0].Io.In(sid).DisconnectSocketsAsync(close: true);
        (await there.Goodbye).Should().NotBeNull();
    }

    [Fact]
    public async Task What_is_asked_of_a_socket_that_was_fetched_reaches_it_where_it_is()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(2);
        (TransportPair there, string sid) = await nodes[1].ConnectAsync();
        RemoteSocket socket = (await nodes[0].Io.FetchSocketsAsync()).Single();

        await socket.JoinAsync("vip");
        await socket.EmitAsync("hello", "you");

        nodes[1].Io.Root.FindSocket(sid)!.Rooms.Should().Contain("vip");
        ((string?)await TestNodes.EventAsync(there, "hello")).Should().Be("you");
    }

    [Fact]
    public async Task The_program_of_one_node_speaks_to_that_of_the_others()
    {
        var heard = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await using TestNodes nodes = await TestNodes.StartAsync(3, io => io.OnServerSide<string>("reload", heard.Enqueue));

        await nodes[0].Io.ServerSideEmitAsync("reload", "prices");

        await TransportPair.UntilAsync(() => heard.Count == 2, "both others have heard it");
        heard.Should().Equal("prices", "prices");
    }

    [Fact]
    public async Task The_program_of_the_other_nodes_answers()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(3, io =>
        {
            io.OnServerSide<int, int>("double", number => Task.FromResult(number * 2));
            io.OnServerSide<int, int>("fail", _ => throw new EventException("broken", "It is broken."));
        });

        IReadOnlyList<NodeAck<int>> doubled = await nodes[0].Io.ServerSideEmitWithAcksAsync<int>("double", 21);
        IReadOnlyList<NodeAck<int>> failed = await nodes[0].Io.ServerSideEmitWithAcksAsync<int>("fail", 1);
        IReadOnlyList<NodeAck<int>> unknown = await nodes[0].Io.ServerSideEmitWithAcksAsync<int>("unknown");

        doubled.Select(a => (a.Outcome, a.Value)).Should().Equal((AckOutcome.Answered, 42), (AckOutcome.Answered, 42));
        doubled.Select(a => a.Node.Id).Should().BeEquivalentTo(nodes[1].Io.Nodes[0].Id, nodes[2].Io.Nodes[0].Id);
        failed.Select(a => a.Error!.Code).Should().Equal("broken", "broken");
        unknown.Select(a => a.Error!.Code).Should().Equal("unknown_event", "unknown_event");
    }

    [Fact]
    public async Task Order_is_kept_over_many_emits()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(2, options: o => o.MaxOutboxBytes = 64 * 1024 * 1024);
        (TransportPair there, string sid) = await nodes[1].ConnectAsync();
        await nodes[1].Io.Root.FindSocket(sid)!.JoinAsync("room");

        for (int i = 0; i < 5000; i++)
        {
            await (i % 2 == 0 ? nodes[0].Io.To("room") : nodes[0].Io.Root.Everyone()).EmitAsync("n", i);
        }

        for (int i = 0; i < 5000; i++)
        {
            ((int?)await TestNodes.EventAsync(there, "n")).Should().Be(i);
        }
    }

    internal static void Fast(EventServerOptions options)
    {
        options.Cluster.HeartbeatInterval = TimeSpan.FromMilliseconds(50);
        options.Cluster.NodeTimeout = TimeSpan.FromMilliseconds(500);
    }

    private static async Task AnswerAsync(TransportPair client, string answer)
    {
        var message = JsonNode.Parse(await client.ReceiveTextAsync())!;
        client.Send($$"""{"ack":{{(long)message["id"]!}},{{answer}}}""");
    }
}

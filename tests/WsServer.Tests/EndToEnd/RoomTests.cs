using System.Collections.Concurrent;
using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class RoomTests
{
    [Fact]
    public async Task To_in_except_and_broadcast_reach_whom_they_name_and_each_once()
    {
        await using Four four = await Four.StartAsync();
        EventServer io = four.Host.Io;
        EventSocket a = four.Socket(0);

        await io.EmitAsync("e", "all");
        await io.To("red").EmitAsync("e", "red");
        await io.In("red", "blue").EmitAsync("e", "red or blue, once");
        await io.To("red").To("blue").Except("both").EmitAsync("e", "one of them");
        await io.Except("red").EmitAsync("e", "not red");
        await io.To(four.Clients[3].Sid).EmitAsync("e", "d");
        await io.To("nobody").EmitAsync("e", "nobody");
        await a.EmitAsync("e", "a itself");
        await a.Broadcast.EmitAsync("e", "all but a");
        await a.To("red").EmitAsync("e", "red but a");
        await a.In("red").Except("both").EmitAsync("e", "nobody: red is a and b, b is in both");
        await a.Except("blue").EmitAsync("e", "not blue, not a");
        await io.Volatile.EmitAsync("e", "volatile");
        await a.Volatile.EmitAsync("e", "volatile a");

        // a: red; b: red, blue, both; c: blue; d: none.
        (await four.SeenAsync(0)).Should().Equal(
            "all", "red", "red or blue, once", "one of them", "a itself", "volatile", "volatile a");
        (await four.SeenAsync(1)).Should().Equal("all", "red", "red or blue, once", "all but a", "red but a", "volatile");
        (await four.SeenAsync(2)).Should().Equal("all", "red or blue, once", "one of them", "not red", "all but a", "volatile");
        (await four.SeenAsync(3)).Should().Equal("all", "not red", "d", "all but a", "not blue, not a", "volatile");
    }

    [Fact]
    public async Task Operators_are_values_that_may_be_kept()
    {
        await using Four four = await Four.StartAsync();
        Broadcast red = four.Host.Io.To("red");
        _ = red.Except("both").Volatile.To("blue");

        await red.EmitAsync("e", "red");

        (await four.SeenAsync(0)).Should().Equal("red");
        (await four.SeenAsync(1)).Should().Equal("red");
        (await four.SeenAsync(2)).Should().BeEmpty();
    }

    [Fact]
    public async Task Fetching_and_counting_find_those_who_are_meant()
    {
        await using Four four = await Four.StartAsync();
        EventServer io = four.Host.Io;
        four.Socket(1).Items["name"] = "b";

        (await io.In("red").CountAsync()).Should().Be(2);
        (await io.In("red", "blue").CountAsync()).Should().Be(3);
        (await io.Except("red").CountAsync()).Should().Be(2);
        (await io.In(four.Clients[0].Sid).CountAsync()).Should().Be(1);
        (await io.In("nobody").CountAsync()).Should().Be(0);
        (await io.FetchSocketsAsync()).Select(s => s.Id).Should().BeEquivalentTo(four.Clients.Select(c => c.Sid));
        RemoteSocket b = (await io.In("both").FetchSocketsAsync()).Single();
        b.Id.Should().Be(four.Clients[1].Sid);
        b.Rooms.Should().BeEquivalentTo(b.Id, "red", "blue", "both");
        b.Items["name"].Should().Be("b");
        await b.EmitAsync("e", "to b");
        (await four.SeenAsync(1)).Should().Equal("to b");
    }

    [Fact]
    public async Task Sockets_are_put_into_rooms_taken_out_and_disconnected()
    {
        await using Four four = await Four.StartAsync();
        EventServer io = four.Host.Io;

        await io.In("red").SocketsJoinAsync("new", "other");
        (await io.In("new").CountAsync()).Should().Be(2);
        await io.In(four.Clients[0].Sid).SocketsLeaveAsync("new");
        (await io.In("new").FetchSocketsAsync()).Single().Id.Should().Be(four.Clients[1].Sid);
        await io.In("blue").DisconnectSocketsAsync();

        (await four.Clients[1].ExpectAsync("disconnect")).GetProperty("reason").GetString().Should().Be("server namespace disconnect");
        (await four.Clients[1].ClosedAsync()).Should().Be(1000);
        (await four.Clients[2].ClosedAsync()).Should().Be(1000);
        await Within.UntilAsync(() => io.Root.SocketCount == 2, "two are left");
        await four.Clients[0].SyncAsync();
        (await io.In("new").CountAsync()).Should().Be(0);
    }

    [Fact]
    public async Task A_socket_is_in_its_own_room_and_cannot_leave_it()
    {
        await using Four four = await Four.StartAsync();
        EventSocket d = four.Socket(3);

        await d.JoinAsync("x");
        await d.JoinAsync("x");
        d.Rooms.Should().Equal(d.Id, "x");
        await d.LeaveAsync("x", d.Id, "never joined");

        d.Rooms.Should().Equal(d.Id);
        await four.Host.Io.To(d.Id).EmitAsync("e", "still there");
        (await four.SeenAsync(3)).Should().Equal("still there");
    }

    [Fact]
    public async Task A_socket_that_leaves_a_room_gets_no_more_of_its_events()
    {
        await using Four four = await Four.StartAsync();

        await four.Host.Io.To("red").EmitAsync("e", "before");
        await four.Socket(0).LeaveAsync("red");
        await four.Host.Io.To("red").EmitAsync("e", "after");

        (await four.SeenAsync(0)).Should().Equal("before");
        (await four.SeenAsync(1)).Should().Equal("before", "after");
    }

    [Fact]
    public async Task Rooms_tell_when_they_are_created_joined_left_and_deleted()
    {
        var told = new ConcurrentQueue<string>();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.Root.OnRoomCreated(room => told.Enqueue($"created {room}"));
            io.Root.OnRoomDeleted(room => told.Enqueue($"deleted {room}"));
            io.Root.OnRoomJoined((room, sid) => told.Enqueue($"joined {room} {sid}"));
            io.Root.OnRoomLeft((room, sid) => told.Enqueue($"left {room} {sid}"));
            io.Root.OnRoomJoined((_, _) => throw new InvalidOperationException("a watcher's fault"));
            io.On("join", (EventSocket socket, string room) => socket.JoinAsync(room));
        });
        await using EventClient a = await EventClient.ConnectAsync(host);
        await using EventClient b = await EventClient.ConnectAsync(host);

        await a.AskAsync("join", "\"x\"");
        await b.AskAsync("join", "\"x\"");
        await host.Io.Root.FindSocket(a.Sid)!.LeaveAsync("x");
        await b.CloseAsync();

        await Within.UntilAsync(() => told.Count == 6, "all is told");
        told.Should().Equal("created x", $"joined x {a.Sid}", $"joined x {b.Sid}", $"left x {a.Sid}", $"left x {b.Sid}", "deleted x");
        host.Io.Root.Rooms.Should().BeEmpty();
        host.Log.Errors.Should().HaveCount(2);
    }

    [Fact]
    public async Task Rooms_end_empty_when_clients_join_leave_emit_and_go_all_at_once()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.On("join", (EventSocket socket, string room) => socket.JoinAsync(room));
            io.On("leave", (EventSocket socket, string room) => socket.LeaveAsync(room));
            io.On("say", (EventSocket socket, string room) => io.To(room).EmitAsync("said", socket.Id));
        });

        await Task.WhenAll(Enumerable.Range(0, 20).Select(async n =>
        {
            EventClient client = await EventClient.ConnectAsync(host);
            for (int i = 0; i < 50; i++)
            {
                string room = $"\"room{(n + i) % 3}\"";
                await client.SendAsync($$"""{"event":"join","data":{{room}} }""");
                await client.SendAsync($$"""{"event":"say","data":{{room}} }""");
                await client.SendAsync($$"""{"event":"leave","data":{{(i % 2 == 0 ? room : "\"room0\"")}} }""");
            }

            if (n % 3 == 0)
            {
                client.Abort();
            }
            else
            {
                (await client.AskAsync("say", "\"nobody\"")).TryGetProperty("error", out _).Should().BeFalse();
                await client.CloseAsync();
            }

            await client.DisposeAsync();
        }));

        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "all are gone");
        host.Io.Root.Rooms.Should().BeEmpty();
        host.Io.Root.SocketCount.Should().Be(0);
        host.Log.Errors.Should().BeEmpty();
    }

    /// <summary>Four clients: the first in red, the second in red, blue and both, the third in blue, the fourth in none.</summary>
    private sealed class Four(EventServerHost host, EventClient[] clients) : IAsyncDisposable
    {
        public EventServerHost Host => host;

        public EventClient[] Clients => clients;

        public static async Task<Four> StartAsync()
        {
            EventServerHost host = await EventServerHost.StartAsync();
            string[][] rooms = [["red"], ["red", "blue", "both"], ["blue"], []];
            var clients = new EventClient[4];
            for (int i = 0; i < 4; i++)
            {
                clients[i] = await EventClient.ConnectAsync(host);
                await host.Io.Root.FindSocket(clients[i].Sid)!.JoinAsync(rooms[i]);
            }

            return new Four(host, clients);
        }

        public EventSocket Socket(int index) => host.Io.Root.FindSocket(clients[index].Sid)!;

        public async Task<IEnumerable<string?>> SeenAsync(int index)
        {
            List<JsonElement> events = await clients[index].EventsSoFarAsync("e");
            return events.Select(e => e.GetProperty("data").GetString());
        }

        public async ValueTask DisposeAsync()
        {
            foreach (EventClient client in clients)
            {
                await client.DisposeAsync();
            }

            await host.DisposeAsync();
        }
    }
}

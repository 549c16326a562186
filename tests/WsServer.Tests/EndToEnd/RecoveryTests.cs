using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>Clients that come back to what they had.</summary>
public class RecoveryTests
{
    [Fact]
    public async Task What_was_missed_comes_in_order_before_the_welcome()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.OnConnection(s => s.JoinAsync("mine", "ours")));
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        client.Connected.TryGetProperty("recovered", out _).Should().BeFalse("it did not ask");
        client.Session.Should().HaveLength(24).And.NotBe(client.Sid);
        string sid = client.Sid;
        await host.Io.EmitAsync("had");
        await client.EventAsync("had");
        await client.CutAsync();

        await host.Io.EmitAsync("to all", 1, 2);
        await host.Io.To("mine").EmitAsync("to its room");
        await host.Io.To("other").EmitAsync("to another room");
        await host.Io.To(sid).EmitAsync("to it alone", new { Text = "é" });
        await host.Io.Except("other").EmitAsync("to all but others");
        await host.Io.Except("ours").EmitAsync("to all but its own");
        await host.Io.Volatile.EmitAsync("volatile");
        await host.Io.Timeout(TimeSpan.FromMilliseconds(50)).EmitWithAcksAsync<int>("asked");
        await host.Io.To("mine", "ours").EmitAsync("to two of its rooms");

        List<JsonElement> missed = await client.ComeBackAsync();
        missed.Select(m => m.GetProperty("event").GetString()).Should().Equal("to all", "to its room", "to it alone", "to all but others", "to two of its rooms");
        missed.Select(m => m.GetProperty("seq").GetInt64()).Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        missed[0].GetProperty("args").GetRawText().Should().Be("[1,2]");
        missed[2].GetProperty("data").GetProperty("text").GetString().Should().Be("é");
        client.IsRecovered.Should().BeTrue();
        client.Sid.Should().Be(sid);
        await host.Io.To("mine").EmitAsync("live");
        (await client.EventAsync("live")).GetProperty("seq").GetInt64().Should().BeGreaterThan(missed[^1].GetProperty("seq").GetInt64());
    }

    [Fact]
    public async Task The_socket_is_what_it_was()
    {
        var sockets = new List<EventSocket>();
        var changes = new List<string>();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.OnConnection(socket =>
            {
                sockets.Add(socket);
                socket.Items.TryAdd("first", sockets.Count);
                return socket.Recovered ? Task.CompletedTask : socket.JoinAsync("r");
            });
            io.Root.OnRoomJoined((room, sid) => changes.Add($"joined {room} {sid}"));
            io.Root.OnRoomLeft((room, sid) => changes.Add($"left {room} {sid}"));
        });
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        await client.Connection.SyncAsync();
        string session = client.Session;
        await client.CutAsync();
        host.Io.Root.Rooms.Should().BeEmpty("nobody is in it while the client is away");
        await client.ComeBackAsync();
        await client.Connection.SyncAsync();

        client.Session.Should().Be(session, "a client that is cut off before it reads of another could not come back");
        sockets.Should().HaveCount(2);
        sockets[0].Recovered.Should().BeFalse();
        sockets[1].Recovered.Should().BeTrue();
        sockets[1].Should().NotBeSameAs(sockets[0]);
        sockets[1].Id.Should().Be(sockets[0].Id);
        sockets[1].Items["first"].Should().Be(1);
        sockets[1].Rooms.Should().Equal(client.Sid, "r");
        host.Io.Root.FindSocket(client.Sid).Should().BeSameAs(sockets[1]);
        changes.Should().Equal($"joined r {client.Sid}", $"left r {client.Sid}", $"joined r {client.Sid}");
    }

    [Fact]
    public async Task Who_was_told_nothing_yet_can_come_back_too_and_again_and_again()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        for (int i = 0; i < 3; i++)
        {
            await client.CutAsync();
            await host.Io.EmitAsync($"{i}");
            (await client.ComeBackToAsync()).Should().Equal($"{i}");
            client.IsRecovered.Should().BeTrue();
        }
    }

    [Fact]
    public async Task A_socket_that_is_kept_by_a_handler_emits_to_the_client_that_is_away()
    {
        EventSocket socket = null!;
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.OnConnection(s => { socket ??= s; }));
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        await client.Connection.SyncAsync();
        await client.CutAsync();
        await socket.EmitAsync("done", 5);
        await socket.Volatile.EmitAsync("position");
        (await client.ComeBackToAsync()).Should().Equal("done");
        await socket.EmitAsync("done since");
        (await client.EventAsync("done since")).TryGetProperty("seq", out _).Should().BeTrue("its place is taken by another with its id");
    }

    [Fact]
    public async Task What_is_emitted_to_one_socket_is_not_for_others_in_a_room_of_its_name()
    {
        EventSocket socket = null!;
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.OnConnection(s => { socket ??= s; }));
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        await client.Connection.SyncAsync();
        await using RecoveringClient guest = await RecoveringClient.ConnectAsync(host);
        await guest.Connection.SyncAsync();
        await host.Io.Root.FindSocket(guest.Sid)!.JoinAsync(socket.Id);
        await socket.EmitAsync("private");
        await host.Io.To(socket.Id).EmitAsync("to the room");
        await guest.CutAsync();
        await socket.EmitAsync("private");
        (await guest.ComeBackToAsync()).Should().Equal("to the room");
        await client.EventAsync("private");
        await client.EventAsync("to the room");
        await client.EventAsync("private");
    }

    [Fact]
    public async Task A_connection_that_the_server_takes_for_alive_gives_way()
    {
        var reasons = new List<string>();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.OnConnection(s => { reasons.Add($"in {s.Recovered}"); });
            io.OnDisconnect((_, reason) => { reasons.Add($"{reason}"); });
        });
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        await using EventClient old = client.Connection;
        await host.Io.EmitAsync("a");
        await host.Io.EmitAsync("b");
        await client.EventAsync("a");
        (await client.ComeBackToAsync()).Should().Equal("b");
        client.IsRecovered.Should().BeTrue();
        (await old.ClosedAsync()).Should().Be(4409);
        await client.Connection.SyncAsync();
        reasons.Should().Equal("in False", "TransportClose", "in True");
        host.Io.Root.SocketCount.Should().Be(1);
    }

    [Fact]
    public async Task A_normal_close_of_the_connection_can_be_come_back_from()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        await client.Connection.CloseAsync();
        await host.Io.EmitAsync("missed");
        (await client.ComeBackToAsync()).Should().Equal("missed");
    }

    [Fact]
    public async Task Each_namespace_has_its_own_session_and_numbers()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of("/b"));
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        await client.Connection.SendAsync("""{"connect":"/b"}""");
        JsonElement other = await client.Connection.ExpectAsync("connected");
        string session = other.GetProperty("session").GetString()!;
        session.Should().NotBe(client.Session);
        await host.Io.Of("/b").EmitAsync("had");
        long seq = (await client.Connection.EventAsync("had")).GetProperty("seq").GetInt64();
        await client.CutAsync();
        await Within.UntilAsync(() => host.Io.Of("/b").SocketCount == 0, "it is out of both");
        await host.Io.EmitAsync("in the root");
        await host.Io.Of("/b").EmitAsync("in the other");

        (await client.ComeBackToAsync()).Should().Equal("in the root");
        await client.Connection.SendAsync($$"""{"connect":"/b","session":"{{session}}","seq":{{seq}}}""");
        JsonElement missed = await client.Connection.NextAsync();
        missed.GetProperty("event").GetString().Should().Be("in the other");
        missed.GetProperty("ns").GetString().Should().Be("/b");
        JsonElement back = await client.Connection.NextAsync();
        back.GetProperty("connected").GetString().Should().Be("/b");
        back.GetProperty("recovered").GetBoolean().Should().BeTrue();
        back.GetProperty("sid").GetString().Should().Be(other.GetProperty("sid").GetString());
    }

    [Fact]
    public async Task A_dynamic_namespace_stays_while_somebody_may_come_back_to_it()
    {
        int made = 0;
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.Of(name => name == "/team", _ => made++), o => o.RecoveryWindow = TimeSpan.FromSeconds(2));
        var client = await RecoveringClient.ConnectAsync(host, "/team");
        await using RecoveringClient disposing = client;
        EventNamespace team = host.Io.Namespaces.Single(n => n.Name == "/team");
        client.Connection.Abort();
        await Within.UntilAsync(() => team.SocketCount == 0, "it is out");
        await team.EmitAsync("missed");
        (await client.ComeBackToAsync()).Should().Equal("missed");
        made.Should().Be(1);
        client.Connection.Abort();
        await Within.UntilAsync(() => host.Io.Namespaces.All(n => n.Name != "/team"), "its time is over");
    }

    [Fact]
    public async Task Who_did_not_ask_for_it_is_told_no_numbers()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using RecoveringClient other = await RecoveringClient.ConnectAsync(host);
        await using EventClient plain = await EventClient.OpenAsync(host);
        (await plain.WelcomedAsync()).EnumerateObject().Select(p => p.Name).Should().Equal("connected", "sid");
        await using EventClient binary = await EventClient.OpenAsync(host, "/?recover=1&binary=1");
        (await binary.WelcomedAsync()).EnumerateObject().Select(p => p.Name).Should().Equal("connected", "sid", "session", "seq");
        await host.Io.EmitAsync("e", new byte[] { 1 });
        (await plain.EventAsync("e")).EnumerateObject().Select(p => p.Name).Should().Equal("event", "data");
        (await binary.EventAsync("e")).EnumerateObject().Select(p => p.Name).Should().Equal("event", "data", "seq", "bin");
    }

    [Theory]
    [InlineData(false, "admitted\n")]
    [InlineData(true, "admitted\nadmitted again\n")]
    public async Task Middleware_that_let_it_in_once_is_asked_again_only_if_the_server_says_so(bool isAsked, string expected)
    {
        string log = "";
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.Use((socket, next) =>
            {
                log += socket.Recovered ? $"admitted {(socket.Items.ContainsKey("name") ? "again" : "")}\n" : "admitted\n";
                socket.Items["name"] = "Ada";
                return next();
            }),
            o => o.RunMiddlewareOnRecovery = isAsked);
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        await client.CutAsync();
        await client.ComeBackAsync();
        client.IsRecovered.Should().BeTrue();
        log.Should().Be(expected);
    }

    [Fact]
    public async Task Middleware_may_turn_away_who_comes_back()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.Use((socket, next) => socket.Recovered ? throw new EventException("expired", "Sign in again.") : next()),
            o => o.RunMiddlewareOnRecovery = true);
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        await client.CutAsync();
        await client.ReopenAsync();
        (await client.Connection.ExpectAsync("connect_error")).GetProperty("error").GetProperty("code").GetString().Should().Be("expired");
        (await client.Connection.ClosedAsync()).Should().Be(4403);
        host.Io.Root.Recovery.IsActive.Should().BeFalse("there is nobody left to come back");
    }
}

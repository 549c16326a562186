using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>Clients that cannot come back to what they had: they join as new ones, and are told so.</summary>
public class RecoveryLimitTests
{
    [Theory]
    [InlineData("another session")]
    [InlineData("no seq")]
    [InlineData("a seq that nobody was told")]
    [InlineData("a seq that is no number")]
    public async Task What_the_client_says_has_to_be_right(string wrong)
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        (string sid, string session) = (client.Sid, client.Session);
        await client.CutAsync();
        string query = wrong switch
        {
            "another session" => $"?session=x{session[1..]}y&seq={client.Seq}",
            "no seq" => $"?session={session}",
            "a seq that nobody was told" => $"?session={session}&seq=1000",
            _ => $"?session={session}&seq=-1",
        };
        await using EventClient second = await EventClient.OpenAsync(host, "/" + query);
        System.Text.Json.JsonElement connected = await second.WelcomedAsync();
        connected.GetProperty("recovered").GetBoolean().Should().BeFalse();
        connected.GetProperty("sid").GetString().Should().NotBe(sid);
        connected.GetProperty("session").GetString().Should().NotBe(session).And.HaveLength(24);
    }

    [Fact]
    public async Task Once_the_window_is_over_nothing_is_left()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(options: o => o.RecoveryWindow = TimeSpan.FromMilliseconds(50));
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        string sid = client.Sid;
        host.Io.Root.Recovery.IsActive.Should().BeTrue();
        await client.CutAsync();
        await Within.UntilAsync(() => !host.Io.Root.Recovery.IsActive, "it is forgotten by the heartbeat");
        await NotRecoveredAsync(client, sid);
    }

    [Fact]
    public async Task A_window_of_zero_keeps_nothing()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(options: o => o.RecoveryWindow = TimeSpan.Zero);
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        client.Connected.EnumerateObject().Select(p => p.Name).Should().Equal("connected", "sid");
        host.Io.Root.Recovery.IsActive.Should().BeFalse();
        client.Session = "anything";
        await client.ComeBackAsync();
        client.Connected.EnumerateObject().Select(p => p.Name).Should().Equal("connected", "sid", "recovered");
        client.IsRecovered.Should().BeFalse();
    }

    [Theory]
    [InlineData(5, 1_000_000)]
    [InlineData(1_000_000, 500)]
    public async Task The_log_has_to_reach_back(int events, long bytes)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(options: o =>
        {
            o.MaxReplayEvents = events;
            o.MaxReplayBytes = bytes;
        });
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        string sid = client.Sid;
        await client.CutAsync();
        await EmitAsync(host, 5);
        (await client.ComeBackAsync()).Should().HaveCount(5);
        await client.CutAsync();
        client.Seq = client.Connected.GetProperty("seq").GetInt64();
        await EmitAsync(host, 6);
        await NotRecoveredAsync(client, sid);
    }

    [Fact]
    public async Task In_a_quiet_room_of_a_busy_namespace_the_log_need_not_reach_back_to_the_last_event()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.OnConnection(s => s.JoinAsync("quiet")), o => o.MaxReplayEvents = 5);
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        await client.Connection.SyncAsync();
        await host.Io.To("quiet").EmitAsync("had");
        await client.EventAsync("had");
        for (int i = 0; i < 20; i++)
        {
            await host.Io.To("busy").EmitAsync("elsewhere");
        }

        await client.CutAsync();
        await host.Io.To("quiet").EmitAsync("missed");
        (await client.ComeBackToAsync()).Should().Equal("missed");
    }

    [Fact]
    public async Task What_was_missed_has_to_fit_what_may_wait_for_a_client()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(options: o => o.MaxOutboxBytes = 10_000);
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        string sid = client.Sid;
        await client.CutAsync();
        for (int i = 0; i < 20; i++)
        {
            await host.Io.EmitAsync("large", new string('x', 600));
        }

        await NotRecoveredAsync(client, sid);
        host.Io.Root.Recovery.IsActive.Should().BeTrue("the new one can come back");
        await client.CutAsync();
        await host.Io.EmitAsync("small");
        (await client.ComeBackToAsync()).Should().Equal("small");
    }

    [Theory]
    [InlineData("it leaves")]
    [InlineData("it leaves and closes")]
    [InlineData("the server puts it out")]
    [InlineData("it breaks the protocol")]
    public async Task Who_was_not_cut_off_is_not_kept(string how)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("out", socket => socket.DisconnectAsync(close: true)));
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        string sid = client.Sid;
        switch (how)
        {
            case "the server puts it out":
                await client.Connection.SendAsync("""{"event":"out"}""");
                await client.Connection.ClosedAsync();
                break;
            case "it breaks the protocol":
                await client.Connection.SendAsync(new byte[2 * 1024 * 1024], System.Net.WebSockets.WebSocketMessageType.Text);
                await client.Connection.ClosedAsync();
                break;
            default:
                await client.Connection.SendAsync("""{"disconnect":"/"}""");
                if (how == "it leaves and closes")
                {
                    await client.Connection.CloseAsync();
                }
                else
                {
                    await client.Connection.ExpectAsync("disconnect");
                }

                break;
        }

        await Within.UntilAsync(() => !host.Io.Root.Recovery.IsActive, "nothing is kept");
        await NotRecoveredAsync(client, sid);
    }

    [Fact]
    public async Task When_too_many_are_away_the_oldest_is_forgotten()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(options: o => o.MaxRecoverableSockets = 2);
        var clients = new List<RecoveringClient>();
        for (int i = 0; i < 3; i++)
        {
            clients.Add(await RecoveringClient.ConnectAsync(host));
        }

        string[] sids = [.. clients.Select(c => c.Sid)];
        foreach (RecoveringClient client in clients)
        {
            await client.CutAsync();
            await Within.UntilAsync(() => host.Io.Runtime.Recovery.CutOff.Count == Math.Min(clients.IndexOf(client) + 1, 2), "it is kept");
        }

        await NotRecoveredAsync(clients[0], sids[0]);
        foreach (RecoveringClient client in clients.Skip(1))
        {
            await client.ComeBackAsync();
            client.IsRecovered.Should().BeTrue();
        }

        foreach (RecoveringClient client in clients)
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_server_whose_clients_never_ask_keeps_no_log()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using EventClient plain = await EventClient.ConnectAsync(host);
        await host.Io.EmitAsync("e");
        host.Io.Root.Recovery.IsActive.Should().BeFalse();
        await using (RecoveringClient client = await RecoveringClient.ConnectAsync(host))
        {
            host.Io.Root.Recovery.IsActive.Should().BeTrue();
            await client.Connection.SendAsync("""{"disconnect":"/"}""");
            await client.Connection.ExpectAsync("disconnect");
            await Within.UntilAsync(() => !host.Io.Root.Recovery.IsActive, "the last has left");
        }
    }

    [Theory]
    [InlineData("""{"connect":"/","session":5}""", "session")]
    [InlineData("""{"connect":"/","session":"s","seq":"5"}""", "seq")]
    [InlineData("""{"connect":"/","session":"s","seq":-1}""", "seq")]
    public async Task A_wrong_connect_is_answered_with_the_member_at_fault(string connect, string path)
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync(connect);
        System.Text.Json.JsonElement error = (await client.ExpectAsync("connect_error")).GetProperty("error");
        error.GetProperty("code").GetString().Should().Be("invalid_envelope");
        error.GetProperty("path").GetString().Should().Be(path);
    }

    private static async Task EmitAsync(EventServerHost host, int count)
    {
        for (int i = 0; i < count; i++)
        {
            await host.Io.EmitAsync("missed", new string('x', 90));
        }
    }

    private static async Task NotRecoveredAsync(RecoveringClient client, string sid)
    {
        string session = client.Session;
        (await client.ComeBackAsync()).Should().BeEmpty();
        client.IsRecovered.Should().BeFalse();
        client.Sid.Should().NotBe(sid);
        client.Session.Should().NotBe(session);
    }
}

using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Access;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Cluster;

/// <summary>A client that was cut off on one node comes back to another.</summary>
public sealed class RecoveryAcrossNodesTests
{
    [Fact]
    public async Task A_client_comes_back_to_another_node_with_its_id_its_rooms_its_items_and_what_it_missed()
    {
        await using TestHosts nodes = await TestHosts.StartAsync(3);
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(nodes[0]);
        (string sid, string session) = (client.Sid, client.Session);
        EventSocket before = nodes[0].Io.Root.FindSocket(sid)!;
        await before.JoinAsync("ours");
        before.Items["name"] = "Ada";
        before.Items["age"] = 36;
        before.Items["gone"] = new object();
        await nodes[2].Io.EmitAsync("had");
        await client.EventAsync("had");
        await client.CutAsync();

        await nodes[0].Io.To("ours").EmitAsync("from A", 1);
        await HeardAsync(nodes);
        await nodes[1].Io.To("ours").EmitAsync("from B", new byte[] { 1, 2, 3 });
        await HeardAsync(nodes);
        await nodes[2].Io.To(sid).EmitAsync("from C");
        await nodes[2].Io.To("theirs").EmitAsync("not for it");
        List<JsonElement> missed = await client.ComeBackAsync(nodes[1]);

        missed.ConvertAll(e => e.GetProperty("event").GetString()).Should().Equal("from A", "from B", "from C");
        missed[1].GetProperty("data").GetString().Should().Be("AQID");
        Sequences(missed).Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        client.Connected.GetProperty("seq").GetInt64().Should().BeGreaterThanOrEqualTo(Sequences(missed)[^1]);
        (client.IsRecovered, client.Sid, client.Session).Should().Be((true, sid, session));
        EventSocket after = nodes[1].Io.Root.FindSocket(sid)!;
        after.Rooms.Should().BeEquivalentTo(sid, "ours");
        after.Items.Should().BeEquivalentTo(new Dictionary<object, object?> { ["name"] = "Ada", ["age"] = 36 });
        after.Recovered.Should().BeTrue();
        nodes[0].Io.Runtime.Recovery.CutOff.Count.Should().Be(0);
        NoErrors(nodes);
    }

    [Fact]
    public async Task A_socket_that_has_moved_is_reached_by_its_id_and_its_rooms_from_every_node()
    {
        await using TestHosts nodes = await TestHosts.StartAsync(3);
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(nodes[0]);
        await nodes[0].Io.Root.FindSocket(client.Sid)!.JoinAsync("ours");
        await client.CutAsync();
        await client.ComeBackAsync(nodes[1]);

        for (int i = 0; i < nodes.Count; i++)
        {
            await nodes[i].Io.To(client.Sid).EmitAsync($"to it from {i}");
            (await client.EventAsync($"to it from {i}")).GetProperty("seq").GetInt64().Should().BePositive();
            await nodes[i].Io.To("ours").EmitAsync($"to the room from {i}");
            await client.EventAsync($"to the room from {i}");
        }

        (await nodes[2].Io.In(client.Sid).FetchSocketsAsync()).Should().ContainSingle().Which.Rooms.Should().BeEquivalentTo(client.Sid, "ours");
    }

    [Fact]
    public async Task A_client_goes_on_from_node_to_node_and_back_and_is_cut_off_before_it_has_read_all()
    {
        await using TestHosts nodes = await TestHosts.StartAsync(3);
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(nodes[0]);
        string sid = client.Sid;
        for (int i = 0; i < 9; i++)
        {
            await client.CutAsync();
            for (int n = 0; n < nodes.Count; n++)
            {
                await nodes[n].Io.EmitAsync($"{i}.{n}");
                await HeardAsync(nodes);
            }

            // It reads the first, and comes to the next node with that.
            long? seq = client.Seq;
            List<JsonElement> missed = await client.ComeBackAsync(nodes[(i + 1) % nodes.Count]);
            Names(missed).Should().Equal($"{i}.0", $"{i}.1", $"{i}.2");
            client.Seq = i % 2 == 0 ? missed[0].GetProperty("seq").GetInt64() : seq;
            await client.CutAsync();
            string[] rest = i % 2 == 0 ? [$"{i}.1", $"{i}.2"] : [$"{i}.0", $"{i}.1", $"{i}.2"];
            Names(await client.ComeBackAsync(nodes[(i + (i % 3)) % nodes.Count])).Should().Equal(rest);
            (client.IsRecovered, client.Sid).Should().Be((true, sid));
        }

        NoErrors(nodes);
    }

    [Fact]
    public async Task A_node_that_has_not_noticed_that_the_connection_is_dead_gives_the_client_up()
    {
        await using TestHosts nodes = await TestHosts.StartAsync(2);
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(nodes[0]);
        EventClient old = client.Connection;
        await nodes[1].Io.EmitAsync("unread");
        await old.EventAsync("unread");

        (await client.ComeBackToAsync(nodes[1])).Should().Equal("unread");

        client.IsRecovered.Should().BeTrue();
        (await old.ClosedAsync()).Should().Be(4409);
        await old.DisposeAsync();
        nodes[0].Io.Root.SocketCount.Should().Be(0);
    }

    [Fact]
    public async Task A_node_that_stops_hands_over_what_its_clients_can_come_back_to()
    {
        await using TestHosts nodes = await TestHosts.StartAsync(3);
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(nodes[0]);
        string sid = client.Sid;
        await nodes[0].Io.Root.FindSocket(sid)!.JoinAsync("ours");
        for (int round = 0; round < 3; round++)
        {
            int at = round % nodes.Count;
            await client.CutAsync();
            await nodes[(at + 1) % 3].Io.To("ours").EmitAsync($"before {round}");
            await HeardAsync(nodes);
            await nodes.RestartAsync(at);
            await nodes[(at + 2) % 3].Io.To("ours").EmitAsync($"between {round}");
            await HeardAsync(nodes);

            // Whoever had it stops, too.
            await nodes.RestartAsync((at + 1) % 3);
            await nodes.RestartAsync((at + 2) % 3);
            await nodes[at].Io.To(sid).EmitAsync($"after {round}");
            await HeardAsync(nodes);
            Names(await client.ComeBackAsync(nodes[(at + 1) % 3])).Should().Equal($"before {round}", $"between {round}", $"after {round}");
            (client.IsRecovered, client.Sid).Should().Be((true, sid));
        }
    }

    [Fact]
    public async Task A_node_that_dies_takes_its_sessions_with_it()
    {
        await using TestHosts nodes = await TestHosts.StartAsync(3);
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(nodes[0]);
        await client.CutAsync();
        await nodes.LoseAsync(0);

        await client.ComeBackAsync(nodes[1]);

        client.IsRecovered.Should().BeFalse();
        (await client.Connection.AskAsync("nothing")).TryGetProperty("error", out _).Should().BeTrue("it is served all the same");
    }

    [Fact]
    public async Task Whoever_is_somebody_else_does_not_get_it_and_it_stays()
    {
        await using TestHosts nodes = await TestHosts.StartAsync(2, endpoints: app => app.Use((context, next) =>
        {
            context.User = GuardedHost.UserOf(context.Request.Query["as"]!);
            return next();
        }));
        EventClient ann = await EventClient.OpenAsync(nodes[0], "/?recover=1&as=ann");
        JsonElement had = await ann.ExpectAsync("connected");
        (string session, long seq, string sid) = (had.GetProperty("session").GetString()!, had.GetProperty("seq").GetInt64(), had.GetProperty("sid").GetString()!);
        ann.Abort();

        await using EventClient bob = await EventClient.OpenAsync(nodes[1], $"/?session={session}&seq={seq}&as=bob");
        JsonElement joined = await bob.ExpectAsync("connected");
        await using EventClient again = await EventClient.OpenAsync(nodes[1], $"/?session={session}&seq={seq}&as=ann");
        JsonElement back = await again.ExpectAsync("connected");

        joined.GetProperty("recovered").GetBoolean().Should().BeFalse();
        joined.GetProperty("sid").GetString().Should().NotBe(sid);
        back.GetProperty("recovered").GetBoolean().Should().BeTrue();
        back.GetProperty("sid").GetString().Should().Be(sid);
        await ann.DisposeAsync();
    }

    [Fact]
    public async Task A_second_client_that_has_the_secret_takes_the_place_of_the_first_on_whatever_node()
    {
        await using TestHosts nodes = await TestHosts.StartAsync(3);
        await using RecoveringClient first = await RecoveringClient.ConnectAsync(nodes[0]);
        await first.CutAsync();
        await first.ComeBackAsync(nodes[1]);
        await using var second = new RecoveringClient(nodes[2]) { Session = first.Session, Seq = first.Seq };
        await second.ComeBackAsync();

        second.IsRecovered.Should().BeTrue();
        second.Sid.Should().Be(first.Sid);
        (await first.Connection.ClosedAsync()).Should().Be(4409);
        (await nodes[0].Io.FetchSocketsAsync()).Should().ContainSingle();
    }

    [Fact]
    public async Task Whom_the_other_node_does_not_let_in_is_told_so_and_its_session_is_over()
    {
        int asked = 0;
        await using TestHosts nodes = await TestHosts.StartAsync(
            2,
            io => io.Use((_, next) => Interlocked.Increment(ref asked) == 1 ? next() : throw new EventException("banned", "Not any more.")),
            o => o.RunMiddlewareOnRecovery = true);
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(nodes[0]);
        await client.CutAsync();
        await client.ReopenAsync(nodes[1]);

        (await client.Connection.ExpectAsync("connect_error")).GetProperty("error").GetProperty("code").GetString().Should().Be("banned");
        await client.Connection.ClosedAsync();
        for (int i = 0; i < nodes.Count; i++)
        {
            nodes[i].Io.Runtime.Recovery.CutOff.Count.Should().Be(0);
        }
    }

    [Fact]
    public async Task A_session_whose_time_is_over_is_over_on_every_node()
    {
        await using TestHosts nodes = await TestHosts.StartAsync(2, options: o => o.RecoveryWindow = TimeSpan.FromMilliseconds(300));
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(nodes[0]);
        await client.CutAsync();
        await Within.UntilAsync(() => nodes[0].Io.Runtime.Recovery.CutOff.All().All(nodes[0].Io.Runtime.Recovery.CutOff.IsExpired), "the time is over");

        await client.ComeBackAsync(nodes[1]);

        client.IsRecovered.Should().BeFalse();
    }

    [Fact]
    public async Task More_sockets_than_go_together_are_spread_over_the_nodes_that_stay_and_all_come_back()
    {
        const int Clients = 20;
        await using TestHosts nodes = await TestHosts.StartAsync(3, io => io.Of(name => name.StartsWith("/team", StringComparison.Ordinal), _ => { }));
        var clients = new List<RecoveringClient>();
        for (int i = 0; i < Clients; i++)
        {
            clients.Add(await RecoveringClient.ConnectAsync(nodes[0], $"/team{i % 4}"));
            await clients[i].CutAsync();
        }

        await nodes.RestartAsync(0);

        nodes[1].Io.Runtime.Recovery.CutOff.Count.Should().Be(Clients / 2);
        nodes[2].Io.Runtime.Recovery.CutOff.Count.Should().Be(Clients / 2);
        for (int i = 0; i < Clients; i++)
        {
            nodes[1 + (i % 2)].Io.Namespaces.SingleOrDefault(n => n.Name == $"/team{i % 4}")?.EmitAsync($"{i}");
            await HeardAsync(nodes);
            await clients[i].ComeBackAsync(nodes[i % 3]);
            clients[i].IsRecovered.Should().BeTrue();
            await clients[i].DisposeAsync();
        }
    }

    [Fact]
    public async Task A_node_without_others_leaves_its_sessions_to_the_file()
    {
        string folder = Directory.CreateTempSubdirectory("wsserver-").FullName;
        try
        {
            await using TestHosts nodes = await TestHosts.StartAsync(1, options: o => o.RecoveryFile = Path.Combine(folder, "recovery.json"));
            await using RecoveringClient client = await RecoveringClient.ConnectAsync(nodes[0]);
            string sid = client.Sid;
            await nodes.RestartAsync(0);
            await nodes[0].Io.To(sid).EmitAsync("missed");

            (await client.ComeBackToAsync(nodes[0])).Should().Equal("missed");
            (client.IsRecovered, client.Sid).Should().Be((true, sid));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task What_a_handler_emits_to_a_socket_that_has_moved_reaches_it()
    {
        EventSocket? kept = null;
        await using TestHosts nodes = await TestHosts.StartAsync(2, io => io.OnConnection(s => { kept ??= s; }));
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(nodes[0]);
        await Within.UntilAsync(() => kept is not null, "the handler has it");
        await client.CutAsync();
        await client.ComeBackAsync(nodes[1]);

        await kept!.EmitAsync("done");

        (await client.EventAsync("done")).GetProperty("seq").GetInt64().Should().BePositive();
    }

    [Fact]
    public async Task Nothing_is_left_when_clients_that_have_moved_are_gone()
    {
        await using TestHosts nodes = await TestHosts.StartAsync(2, io => io.Of(name => name == "/team", _ => { }), o => o.RecoveryWindow = TimeSpan.FromSeconds(1));
        RecoveringClient client = await RecoveringClient.ConnectAsync(nodes[0], "/team");
        await nodes[0].Io.Namespaces.Single(n => n.Name == "/team").FindSocket(client.Sid)!.JoinAsync("ours");
        for (int i = 1; i < 5; i++)
        {
            await client.ComeBackAsync(nodes[i % 2]);
            client.IsRecovered.Should().BeTrue();
        }

        await client.DisposeAsync();

        for (int i = 0; i < nodes.Count; i++)
        {
            EventServerHost node = nodes[i];
            await Within.UntilAsync(() => node.Io.Namespaces.All(n => n.Name == "/"), "the namespace has ended with its last socket");
            node.Io.Runtime.Recovery.CutOff.Count.Should().Be(0);
        }
    }

    private static async Task HeardAsync(TestHosts nodes)
    {
        // What is asked of all comes behind what was said to them.
        for (int i = 0; i < nodes.Count; i++)
        {
            await nodes[i].Io.FetchSocketsAsync();
        }
    }

    private static List<string?> Names(List<JsonElement> events) => events.ConvertAll(e => e.GetProperty("event").GetString());

    private static List<long> Sequences(List<JsonElement> events) => events.ConvertAll(e => e.GetProperty("seq").GetInt64());

    private static void NoErrors(TestHosts nodes)
    {
        for (int i = 0; i < nodes.Count; i++)
        {
            nodes[i].Log.Errors.Should().BeEmpty();
        }
    }
}

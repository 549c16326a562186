using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class NamespaceTests
{
    [Fact]
    public async Task Events_and_acks_of_another_namespace_carry_ns_and_those_of_the_home_do_not()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.On("echo", (_, data) => Task.FromResult(data));
            io.Of("/news").On("echo", (_, data) => Task.FromResult(data));
        });
        await using EventClient client = await JoinAsync(host, "/news");

        await client.SendAsync("""{"event":"echo","data":1,"id":1}""");
        await client.SendAsync("""{"event":"echo","data":2,"id":2,"ns":"/news"}""");
        await client.SendAsync("""{"event":"echo","data":3,"id":3,"ns":"/"}""");

        (await client.AckAsync(1)).GetRawText().Should().Be("""{"ack":1,"data":1}""");
        (await client.AckAsync(2)).GetRawText().Should().Be("""{"ack":2,"data":2,"ns":"/news"}""");
        (await client.AckAsync(3)).GetRawText().Should().Be("""{"ack":3,"data":3}""");
        await host.Io.EmitAsync("hi", "root");
        await host.Io.Of("/news").EmitAsync("headline", "news");
        (await client.EventAsync("hi")).GetRawText().Should().Be("""{"event":"hi","data":"root"}""");
        (await client.EventAsync("headline")).GetRawText().Should().Be("""{"event":"headline","data":"news","ns":"/news"}""");
    }

    [Fact]
    public async Task The_namespace_of_the_url_is_the_home_and_the_root_is_named()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of("/news"));
        await using EventClient client = await EventClient.ConnectAsync(host, "/news");
        await client.SendAsync("""{"connect":"/"}""");
        await client.WelcomedAsync();

        await host.Io.Of("/news").EmitAsync("headline");
        await host.Io.EmitAsync("hi");

        (await client.EventAsync("headline")).GetRawText().Should().Be("""{"event":"headline"}""");
        (await client.EventAsync("hi")).GetRawText().Should().Be("""{"event":"hi","ns":"/"}""");
    }

    [Fact]
    public async Task Handlers_and_broadcasts_of_one_namespace_do_not_reach_another()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.On("who", _ => "root");
            io.Of("/news").On("other", _ => "news");
        });
        await using EventClient client = await JoinAsync(host, "/news");

        (await client.AskAsync("who", ns: "/news")).GetProperty("error").GetProperty("code").GetString().Should().Be("unknown_event");
        await host.Io.EmitAsync("x");
        (await client.EventsSoFarAsync("x")).Should().ContainSingle().Which.TryGetProperty("ns", out _).Should().BeFalse();
    }

    [Fact]
    public async Task Joining_an_unknown_namespace_is_a_connect_error_and_the_connection_lives()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"connect":"/nowhere"}""");

        JsonElement error = await client.NextAsync();
        error.GetProperty("connect_error").GetString().Should().Be("/nowhere");
        error.GetProperty("error").GetProperty("code").GetString().Should().Be("unknown_namespace");
        await client.SyncAsync();
    }

    [Fact]
    public async Task Joining_a_namespace_twice_is_already_connected()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"connect":"/"}""");

        JsonElement error = await client.NextAsync();
        error.GetProperty("connect_error").GetString().Should().Be("/");
        error.GetProperty("error").GetProperty("code").GetString().Should().Be("already_connected");
        host.Io.Root.SocketCount.Should().Be(1);
    }

    [Fact]
    public async Task An_event_to_a_namespace_that_was_not_joined_is_not_connected()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of("/news"));
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"event":"x","ns":"/news","id":"a"}""");
        await client.SendAsync("""{"event":"x","ns":"/news"}""");
        await client.SendAsync("""{"disconnect":"/news"}""");

        JsonElement ack = await client.NextAsync();
        ack.GetProperty("ack").GetString().Should().Be("a");
        ack.GetProperty("ns").GetString().Should().Be("/news");
        ack.GetProperty("error").GetProperty("code").GetString().Should().Be("not_connected");
        await client.ErrorAsync("not_connected");
        await client.ErrorAsync("not_connected");
    }

    [Fact]
    public async Task One_namespace_over_the_limit_is_too_many_namespaces_until_one_is_left()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            io =>
            {
                io.Of("/a");
                io.Of("/b");
            },
            o => o.MaxNamespacesPerConnection = 2);
        await using EventClient client = await JoinAsync(host, "/a");

        await client.SendAsync("""{"connect":"/b"}""");
        JsonElement refused = await client.NextAsync();
        await client.SendAsync("""{"disconnect":"/a"}""");
        await client.ExpectAsync("disconnect");
        await client.SendAsync("""{"connect":"/b"}""");

        refused.GetProperty("connect_error").GetString().Should().Be("/b");
        refused.GetProperty("error").GetProperty("code").GetString().Should().Be("too_many_namespaces");
        refused.GetProperty("error").GetProperty("limit").GetInt32().Should().Be(2);
        (await client.ExpectAsync("connected")).GetProperty("connected").GetString().Should().Be("/b");
    }

    [Fact]
    public async Task A_namespace_that_was_left_can_be_joined_again_with_a_new_sid()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("who", socket => socket.Id));
        await using EventClient client = await EventClient.ConnectAsync(host);
        string before = client.Sid;

        await client.SendAsync("""{"disconnect":"/"}""");
        await client.SendAsync("""{"connect":"/"}""");

        (await client.NextAsync()).GetRawText().Should().Be("""{"disconnect":"/","reason":"client namespace disconnect"}""");
        await client.WelcomedAsync();
        client.Sid.Should().NotBe(before);
        (await client.AskAsync("who")).GetProperty("data").GetString().Should().Be(client.Sid);
        host.Io.Root.SocketCount.Should().Be(1);
    }

    [Fact]
    public async Task A_dynamic_namespace_is_made_for_its_first_socket_and_goes_with_its_last()
    {
        int made = 0;
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of(name => name.StartsWith("/team-", StringComparison.Ordinal), team =>
        {
            made++;
            team.On("where", socket => socket.Namespace.Name);
        }));
        host.Io.Namespaces.Select(n => n.Name).Should().Equal("/");

        await using EventClient a = await EventClient.ConnectAsync(host, "/team-red");
        await using EventClient b = await JoinAsync(host, "/team-red");
        (await a.AskAsync("where")).GetProperty("data").GetString().Should().Be("/team-red");
        (await b.AskAsync("where", ns: "/team-red")).GetProperty("data").GetString().Should().Be("/team-red");
        made.Should().Be(1);
        host.Io.Namespaces.Should().HaveCount(2);

        await a.CloseAsync();
        await b.SendAsync("""{"disconnect":"/team-red"}""");
        await Within.UntilAsync(() => host.Io.Namespaces.Count == 1, "the namespace is gone");
        await b.SendAsync("""{"connect":"/team-red"}""");
        await b.ExpectAsync("connected");
        made.Should().Be(2);
    }

    [Fact]
    public async Task A_dynamic_namespace_that_turns_its_only_client_away_is_cleaned_up()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of(_ => true, ns => ns.Use((_, _) => Task.CompletedTask)));
        await using EventClient client = await EventClient.OpenAsync(host, "/any");

        (await client.ClosedAsync()).Should().Be(4403);
        await Within.UntilAsync(() => host.Io.Namespaces.Count == 1, "the namespace is gone");
    }

    [Fact]
    public async Task A_name_that_no_rule_takes_is_refused()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of(name => name.StartsWith("/team-", StringComparison.Ordinal), _ => { }));
        using RawWebSocket raw = await RawWebSocket.RequestAsync(host, "/tea");

        raw.Status.Should().Be(404);
    }

    [Fact]
    public async Task A_dynamic_namespace_whose_setup_fails_is_an_error_that_is_logged_and_leaves_nothing()
    {
        int attempts = 0;
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of(name => name == "/broken", ns =>
        {
            ns.On("x", _ => { });
            attempts++;
            throw new InvalidOperationException("secret");
        }));
        await using EventClient client = await EventClient.ConnectAsync(host);

        for (int i = 0; i < 2; i++)
        {
            await client.SendAsync("""{"connect":"/broken"}""");
            JsonElement error = await client.ExpectAsync("connect_error");
            error.GetProperty("error").GetProperty("code").GetString().Should().Be("internal_error");
            error.GetRawText().Should().NotContain("secret");
        }

        attempts.Should().Be(2);
        host.Io.Namespaces.Should().HaveCount(1);
        host.Log.Errors.Should().HaveCount(2).And.OnlyContain(e => e.Exception!.Message == "secret");
        await client.SyncAsync();
    }

    [Fact]
    public async Task A_connection_to_a_dynamic_namespace_whose_setup_fails_is_closed_with_1011()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of(
            name => name == "/broken", _ => throw new InvalidOperationException("secret")));
        await using EventClient client = await EventClient.OpenAsync(host, "/broken");

        (await client.NextAsync()).GetProperty("error").GetProperty("code").GetString().Should().Be("internal_error");
        (await client.ClosedAsync()).Should().Be(1011);
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
    }

    [Fact]
    public async Task A_client_may_leave_and_join_as_fast_as_it_can_send()
    {
        const int Times = 200;
        int joined = 0, left = 0;
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of(_ => true, ns =>
        {
            ns.Use(async (_, next) =>
            {
                await Task.Yield();
                await next();
            });
            ns.OnConnection(async socket =>
            {
                Interlocked.Increment(ref joined);
                await socket.JoinAsync("room");
                await Task.Yield();
            });
            ns.OnDisconnect((_, _) => Interlocked.Increment(ref left));
        }));
        await using EventClient client = await EventClient.ConnectAsync(host);

        for (int i = 0; i < Times; i++)
        {
            await client.SendAsync("""{"connect":"/a"}""");
            await client.SendAsync("""{"connect":"/b"}""");
            await client.SendAsync("""{"disconnect":"/a"}""");
            await client.SendAsync("""{"disconnect":"/b"}""");
            if (i % 10 == 9)
            {
                // No more of them at once than may be finishing.
                await Within.UntilAsync(() => Volatile.Read(ref left) == 2 * (i + 1), "all so far have left");
            }
        }

        for (int i = 0; i < Times; i++)
        {
            await client.ExpectAsync(m => m.TryGetProperty("connected", out JsonElement ns) && ns.GetString() == "/a", "connected to /a");
            await client.ExpectAsync(m => m.TryGetProperty("disconnect", out JsonElement ns) && ns.GetString() == "/a", "disconnect from /a");
        }

        joined.Should().Be(2 * Times);
        await Within.UntilAsync(() => host.Io.Namespaces.Count == 1, "the namespaces are gone");
        host.Log.Errors.Should().BeEmpty();
        client.Waiting.Any(r => r.Json.TryGetProperty("connect_error", out _)).Should().BeFalse();
        await client.SyncAsync();
    }

    private static async Task<EventClient> JoinAsync(EventServerHost host, string ns)
    {
        EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync($$"""{"connect":"{{ns}}"}""");
        (await client.ExpectAsync("connected")).GetProperty("connected").GetString().Should().Be(ns);
        return client;
    }
}

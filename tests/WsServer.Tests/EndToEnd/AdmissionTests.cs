using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class AdmissionTests
{
    [Fact]
    public async Task A_client_turned_away_by_middleware_gets_connect_error_first_and_is_closed_with_4403()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of("/team").Use(
            (_, _) => throw new EventException("unauthorized", "Who are you?", new() { ["hint"] = "token" })));
        await using EventClient client = await EventClient.OpenAsync(host, "/team");

        JsonElement first = await client.NextAsync();

        first.GetRawText().Should().Be("""{"connect_error":"/team","error":{"code":"unauthorized","message":"Who are you?","hint":"token"}}""");
        (await client.ClosedAsync()).Should().Be(4403);
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
        host.Log.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task Middleware_that_does_not_go_on_is_forbidden()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Use((_, _) => Task.CompletedTask));
        await using EventClient client = await EventClient.OpenAsync(host);

        (await client.NextAsync()).GetProperty("error").GetProperty("code").GetString().Should().Be("forbidden");
        (await client.ClosedAsync()).Should().Be(4403);
    }

    [Fact]
    public async Task Middleware_that_fails_is_logged_once_and_tells_nothing()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Use((_, _) => throw new InvalidOperationException("secret")));
        await using EventClient client = await EventClient.OpenAsync(host);

        JsonElement first = await client.NextAsync();

        first.GetProperty("error").GetProperty("code").GetString().Should().Be("internal_error");
        first.GetRawText().Should().NotContain("secret");
        (await client.ClosedAsync()).Should().Be(4403);
        host.Log.Errors.Should().ContainSingle().Which.Exception!.Message.Should().Be("secret");
    }

    [Fact]
    public async Task A_refusal_whose_text_is_no_unicode_still_turns_the_client_away()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Use((_, _) => throw new EventException("bad", "half an emoji: \ud83d")));
        await using EventClient client = await EventClient.OpenAsync(host);

        (await client.NextAsync()).TryGetProperty("connect_error", out _).Should().BeTrue();
        (await client.ClosedAsync()).Should().Be(4403);
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
    }

    [Fact]
    public async Task Middleware_runs_in_order_and_before_the_connection_handler()
    {
        var order = new List<string>();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.Use(async (_, next) =>
            {
                order.Add("first");
                await next();
                order.Add("first again");
            });
            io.Use((socket, next) =>
            {
                order.Add($"second {socket.Connected}");
                return next();
            });
            io.OnConnection(socket => order.Add($"connection {socket.Connected}"));
            io.On("order", _ => string.Join(", ", order));
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        (await client.AskAsync("order")).GetProperty("data").GetString().Should().Be("first, second False, first again, connection True");
    }

    [Fact]
    public async Task A_namespace_joined_later_gets_the_auth_of_its_connect()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            EventNamespace news = io.Of("/news");
            news.Use((socket, next) => socket.Handshake.Auth?.GetProperty("token").GetString() == "open sesame"
                ? next()
                : throw new EventException("unauthorized", "No."));
            news.On("token", socket => socket.Handshake.Auth!.Value.GetProperty("token").GetString());
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"connect":"/news","auth":{"token":"wrong"}}""");
        JsonElement refused = await client.NextAsync();
        await client.SendAsync("""{"connect":"/news","auth":{"token":"open sesame"}}""");
        JsonElement joined = await client.NextAsync();

        refused.GetRawText().Should().Be("""{"connect_error":"/news","error":{"code":"unauthorized","message":"No."}}""");
        joined.GetProperty("connected").GetString().Should().Be("/news");
        joined.GetProperty("sid").GetString().Should().NotBe(client.Sid);
        (await client.AskAsync("token", ns: "/news")).GetProperty("data").GetString().Should().Be("open sesame");
    }

    [Fact]
    public async Task Events_sent_before_the_answer_to_connect_wait_for_it()
    {
        var open = new TaskCompletionSource();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.Use(async (_, next) =>
            {
                await open.Task;
                await next();
            });
            io.On("echo", (EventSocket _, string text) => text);
        });
        await using EventClient client = await EventClient.OpenAsync(host);

        await client.SendAsync("""{"event":"echo","data":"early","id":1}""");
        await client.SyncAsync();
        open.SetResult();

        (await client.NextAsync()).TryGetProperty("connected", out _).Should().BeTrue();
        (await client.NextAsync()).GetRawText().Should().Be("""{"ack":1,"data":"early"}""");
    }

    [Fact]
    public async Task Events_of_a_client_that_is_turned_away_reach_no_handler()
    {
        int calls = 0;
        var open = new TaskCompletionSource();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            EventNamespace closed = io.Of("/closed");
            closed.Use(async (_, _) => await open.Task);
            closed.On("hit", _ => { Interlocked.Increment(ref calls); });
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"connect":"/closed"}""");
        await client.SendAsync("""{"event":"hit","ns":"/closed","id":5}""");
        await client.SyncAsync();
        open.SetResult();

        (await client.ExpectAsync("connect_error")).GetProperty("error").GetProperty("code").GetString().Should().Be("forbidden");
        JsonElement ack = await client.AckAsync(5);
        ack.GetProperty("error").GetProperty("code").GetString().Should().Be("not_connected");
        ack.GetProperty("ns").GetString().Should().Be("/closed");
        calls.Should().Be(0);
    }

    [Fact]
    public async Task A_client_that_goes_while_it_is_being_admitted_leaves_nothing_behind()
    {
        var entered = new TaskCompletionSource();
        bool isConnected = false;
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.Use(async (socket, next) =>
            {
                await socket.JoinAsync("room");
                entered.TrySetResult();
                var gone = new TaskCompletionSource();
                socket.ConnectionAborted.Register(gone.SetResult);
                await gone.Task;
                await next();
            });
            io.OnConnection(_ => isConnected = true);
        });
        await using EventClient client = await EventClient.OpenAsync(host);
        await Within.TimeAsync(entered.Task, "the middleware");

        client.Abort();

        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
        host.Io.Root.SocketCount.Should().Be(0);
        host.Io.Root.Rooms.Should().BeEmpty();
        isConnected.Should().BeFalse();
    }
}

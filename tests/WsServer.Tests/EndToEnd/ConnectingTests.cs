using System.Net;
using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class ConnectingTests
{
    [Theory]
    [InlineData("/", "/")]
    [InlineData("/chat", "/chat")]
    [InlineData("/chat/", "/chat")]
    [InlineData("/chat?a=b", "/chat")]
    [InlineData("/a/deep/one", "/a/deep/one")]
    public async Task The_path_of_the_url_names_the_namespace(string path, string expected)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.Of("/chat");
            io.Of("/a/deep/one");
        });
        await using EventClient client = await EventClient.OpenAsync(host, path);

        JsonElement first = await client.NextAsync();

        first.GetProperty("connected").GetString().Should().Be(expected);
        first.EnumerateObject().Select(p => p.Name).Should().Equal("connected", "sid");
    }

    [Theory]
    [InlineData("/ws", "/")]
    [InlineData("/ws/", "/")]
    [InlineData("/ws/chat", "/chat")]
    public async Task Under_a_base_path_the_rest_of_the_path_names_the_namespace(string path, string expected)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of("/chat"), path: "/ws");
        await using EventClient client = await EventClient.OpenAsync(host, path);

        (await client.NextAsync()).GetProperty("connected").GetString().Should().Be(expected);
    }

    [Fact]
    public async Task Outside_the_base_path_there_is_no_event_server()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of("/chat"), path: "/ws");
        using RawWebSocket raw = await RawWebSocket.RequestAsync(host, "/chat");

        raw.Status.Should().Be(404);
    }

    [Fact]
    public async Task The_sid_is_base64url_and_new_for_each_socket()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using EventClient a = await EventClient.ConnectAsync(host);
        await using EventClient b = await EventClient.ConnectAsync(host);

        // 6 bits a character: at least 20 characters make 120 bits.
        a.Sid.Should().MatchRegex("^[A-Za-z0-9_-]{20,}$");
        b.Sid.Should().NotBe(a.Sid);
        host.Io.Root.FindSocket(a.Sid)!.Connected.Should().BeTrue();
    }

    [Fact]
    public async Task An_upgrade_for_a_namespace_that_does_not_exist_is_answered_404()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        using RawWebSocket raw = await RawWebSocket.RequestAsync(host, "/nothing");

        raw.Status.Should().Be(404);
        host.Io.ConnectionCount.Should().Be(0);
    }

    [Fact]
    public async Task One_connection_over_the_limit_is_answered_503_and_the_next_after_one_left_is_let_in()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(options: o => o.MaxConnections = 1);
        await using EventClient first = await EventClient.ConnectAsync(host);
        using (RawWebSocket raw = await RawWebSocket.RequestAsync(host))
        {
            raw.Status.Should().Be(503);
            raw.Headers.Should().ContainKey("retry-after");
        }

        await first.CloseAsync();
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the first is gone");
        await using EventClient second = await EventClient.ConnectAsync(host);
        host.Log.Entries.Should().Contain(e => e.Message.Contains("MaxConnections"));
    }

    [Fact]
    public async Task A_handshake_of_another_version_is_answered_400_with_the_version_that_is_spoken()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        using RawWebSocket raw = await RawWebSocket.RequestAsync(host, "/", null, "Sec-WebSocket-Version: 8");

        raw.Status.Should().Be(400);
        raw.Headers["sec-websocket-version"].Should().Be("13");
        host.Io.ConnectionCount.Should().Be(0);
    }

    [Fact]
    public async Task A_handshake_without_a_key_is_answered_400()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        using RawWebSocket raw = await RawWebSocket.RequestAsync(host, "/", null, "Sec-WebSocket-Key: short");

        raw.Status.Should().Be(400);
    }

    [Theory]
    [InlineData(new string[0], null)]
    [InlineData(new[] { "wsserver.json.v1" }, "wsserver.json.v1")]
    [InlineData(new[] { "other", "wsserver.json.v1" }, "wsserver.json.v1")]
    [InlineData(new[] { "graphql-ws" }, null)]
    public async Task The_own_subprotocol_is_selected_when_it_is_offered_and_otherwise_none(string[] offered, string? selected)
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        string[] headers = offered.Length == 0 ? [] : [$"Sec-WebSocket-Protocol: {string.Join(", ", offered)}"];
        using RawWebSocket raw = await RawWebSocket.RequestAsync(host, "/", null, headers);

        raw.Status.Should().Be(101);
        raw.Headers.GetValueOrDefault("sec-websocket-protocol").Should().Be(selected);
    }

    [Fact]
    public async Task A_plain_request_on_a_namespace_path_goes_to_other_endpoints()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.Of("/chat"),
            endpoints: app =>
            {
                app.MapGet("/", () => "the page");
                app.MapGet("/chat", () => "another page");
            });
        using var http = new HttpClient { BaseAddress = host.Http };

        (await http.GetStringAsync("/")).Should().Be("the page");
        (await http.GetStringAsync("/chat")).Should().Be("another page");
        await using EventClient root = await EventClient.ConnectAsync(host);
        await using EventClient chat = await EventClient.ConnectAsync(host, "/chat");
    }

    [Fact]
    public async Task A_plain_request_that_nobody_takes_is_answered_404()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        using var http = new HttpClient { BaseAddress = host.Http };

        (await http.GetAsync(new Uri("/", UriKind.Relative))).StatusCode.Should().Be(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Heartbeats_go_on_where_the_application_uses_websockets_of_its_own()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            options: o => o.PingInterval = TimeSpan.FromMilliseconds(50), endpoints: app => app.UseWebSockets());
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);

        (await raw.ReadAsync()).Opcode.Should().Be(RawFrame.Ping);
    }

    [Fact]
    public async Task A_websocket_over_http2_works()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.On("x", (EventSocket _, int n) => n + 1),
            services: builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(
                endpoint => endpoint.Protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2)));
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler());
        var webSocket = new System.Net.WebSockets.ClientWebSocket();
        webSocket.Options.HttpVersion = HttpVersion.Version20;
        webSocket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var timeout = new CancellationTokenSource(Within.Reason);
        await webSocket.ConnectAsync(host.Ws(), invoker, timeout.Token);
        await using var client = new EventClient(webSocket);
        await client.WelcomedAsync();

        (await client.AskAsync("x", "1")).GetProperty("data").GetInt32().Should().Be(2);
        await client.CloseAsync();
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
        client.CloseStatus.Should().Be(1000);
    }

    [Fact]
    public async Task The_handshake_tells_headers_query_address_and_time()
    {
        var seen = new TaskCompletionSource<Handshake>();
        string? header = null, query = null;
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.OnConnection(socket =>
        {
            header = socket.Handshake.Headers["X-Test"];
            query = socket.Handshake.Query["room"];
            seen.SetResult(socket.Handshake);
        }));
        await using EventClient client = await EventClient.ConnectAsync(host, "/?room=a%20b", o => o.SetRequestHeader("X-Test", "yes"));

        Handshake handshake = await Within.TimeAsync(seen.Task, "the connection handler");
        header.Should().Be("yes");
        query.Should().Be("a b");
        handshake.Address.Should().Be(IPAddress.Loopback);
        handshake.Time.Should().BeCloseTo(DateTimeOffset.UtcNow, TimeSpan.FromMinutes(1));
        handshake.Auth.Should().BeNull();
        handshake.IsSecure.Should().BeFalse();
        handshake.User.Identity!.IsAuthenticated.Should().BeFalse();
    }

    [Fact]
    public async Task A_client_that_joins_nothing_in_time_is_closed()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(options: o => o.ConnectTimeout = TimeSpan.FromMilliseconds(300));
        await using EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync("""{"disconnect":"/"}""");

        (await client.ErrorAsync("timeout")).GetProperty("message").GetString().Should().NotBeEmpty();
        (await client.ClosedAsync()).Should().Be(1008);
    }

    [Fact]
    public async Task A_client_whose_admission_takes_too_long_is_closed()
    {
        var never = new TaskCompletionSource();
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.Use(async (socket, next) => await never.Task.WaitAsync(socket.ConnectionAborted)), o => o.ConnectTimeout = TimeSpan.FromMilliseconds(200));
        await using EventClient client = await EventClient.OpenAsync(host);

        await client.ErrorAsync("timeout");
        (await client.ClosedAsync()).Should().Be(1008);
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "nothing is left of it");
    }

    [Fact]
    public async Task A_client_that_is_turned_away_again_and_again_is_closed_all_the_same()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.Of("/closed").Use((_, _) => Task.CompletedTask),
            o =>
            {
                o.ConnectTimeout = TimeSpan.FromMilliseconds(500);
                o.ErrorBudget = 1_000_000;
            });
        await using EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync("""{"disconnect":"/"}""");
        await client.ExpectAsync("disconnect");

        Task timedOut = client.ErrorAsync("timeout");
        while (!timedOut.IsCompleted && await client.TrySendAsync("""{"connect":"/closed"}"""))
        {
            await Task.WhenAny(timedOut, Task.Delay(TimeSpan.FromMilliseconds(20)));
        }

        await timedOut;
        (await client.ClosedAsync()).Should().Be(1008);
    }

    [Fact]
    public async Task A_client_that_has_joined_is_not_closed_by_the_connect_timeout()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.Of("/news"), o => o.ConnectTimeout = TimeSpan.FromMilliseconds(200));
        await using EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync("""{"disconnect":"/"}""");
        await client.ExpectAsync("disconnect");
        await client.SendAsync("""{"connect":"/news"}""");
        await client.ExpectAsync("connected");

        // Another connection that is closed by the timeout shows that it would have struck by now.
        await using EventClient other = await EventClient.ConnectAsync(host);
        await other.SendAsync("""{"disconnect":"/"}""");
        await other.ClosedAsync();
        await client.SyncAsync();
    }
}

using System.Net;
using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json;
using FluentAssertions;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO.Engine;

/// <summary>The event server over Engine.IO, as an application maps it.</summary>
public class HostingTests
{
    [Fact]
    public async Task Clients_over_polling_and_WebSockets_are_in_the_same_rooms()
    {
        await using EventServerHost host = await StartAsync(setup: io => io.On("say", (_, arguments) => io.EmitAsync("said", arguments)));
        using EngineClient polling = await OpenAsync(host);
        using EngineClient upgraded = await OpenAsync(host);
        await JoinAsync(polling);
        await JoinAsync(upgraded);
        using EngineWebSocket socket = await upgraded.UpgradeAsync();

        await socket.SendAsync("""4{"event":"say","ns":"/","data":"hello"}""");

        (await socket.ReceiveAsync()).Should().Contain("\"said\"").And.Contain("hello");
        (await polling.GetAsync()).Body.Should().Contain("\"said\"").And.Contain("hello");
    }

    [Fact]
    public async Task How_a_polling_client_came_can_be_read_after_its_request()
    {
        var joined = new TaskCompletionSource<EventSocket>();
        await using EventServerHost host = await StartAsync(setup: io => io.OnConnection(joined.SetResult));
        using EngineClient client = await OpenAsync(host, "&token=abc");
        for (int i = 0; i < 10; i++)
        {
            // The same connection, and so the same request objects of the web server.
            await client.RequestAsync("EIO=4&transport=nothing");
        }

        await JoinAsync(client);

        Handshake handshake = (await joined.Task).Handshake;
        handshake.Query["token"].ToString().Should().Be("abc");
        handshake.Query["transport"].ToString().Should().Be("polling");
        handshake.Headers.Host.ToString().Should().Be(host.Http.Authority);
        handshake.Address.Should().Be(IPAddress.Loopback);
    }

    [Fact]
    public async Task A_host_that_stops_tells_all_clients()
    {
        await using EventServerHost host = await StartAsync();
        using EngineClient polling = await OpenAsync(host);
        using EngineClient upgraded = await OpenAsync(host);
        await JoinAsync(polling);
        await JoinAsync(upgraded);
        using EngineWebSocket socket = await upgraded.UpgradeAsync();
        await socket.SendAsync("""4{"ping":1}""");
        await socket.ReceiveAsync();
        Task<EngineResponse> poll = polling.GetAsync();

        Task stopping = host.App.StopAsync();

        string last = (await poll).Body;
        while (!last.EndsWith('1'))
        {
            last = (await polling.GetAsync()).Body;
        }

        while (await socket.ReceiveAsync() is not null)
        {
            // What the event server says before the end.
        }

        ((int)socket.CloseStatus!).Should().Be(1001);
        await Within.TimeAsync(stopping, "the host's end");
    }

    [Fact]
    public async Task A_page_of_another_origin_gets_no_WebSocket()
    {
        await using EventServerHost host = await StartAsync();
        Uri url = new UriBuilder(host.Http) { Scheme = "ws", Path = "/socket.io/", Query = "EIO=4&transport=websocket" }.Uri;

        Func<Task> connecting = () => EngineWebSocket.ConnectAsync(url, o => o.SetRequestHeader("Origin", "https://evil.example"));

        (await connecting.Should().ThrowAsync<HttpRequestException>()).Which.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        host.Log.Entries.Should().Contain(e => e.Message.Contains("https://evil.example"));
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(host.Http, "/socket.io/?EIO=4&transport=websocket"));
        foreach ((string name, string value) in new[] { ("Origin", "https://evil.example"), ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") })
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using HttpResponseMessage response = await http.SendAsync(request);
        (await response.Content.ReadAsStringAsync()).Should().Be("""{"code":4,"message":"Forbidden"}""");
    }

    [Fact]
    public async Task A_client_that_may_not_come_is_refused_by_the_applications_authorization()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            services: b =>
            {
                b.Services.AddAuthentication("Test").AddScheme<AuthenticationSchemeOptions, QueryAuthentication>("Test", null);
                b.Services.AddAuthorization();
            },
            endpoints: app =>
            {
                app.UseAuthentication();
                app.UseAuthorization();
                app.MapSocketIO(_ => new EnvelopeCodec()).RequireAuthorization();
            });
        using var client = new EngineClient(new Uri(host.Http, "/socket.io/"));
        string? name = null;
        host.Io.OnConnection(socket => { name = socket.Handshake.User.Identity!.Name; });

        (await client.RequestAsync("EIO=4&transport=polling")).Status.Should().Be(HttpStatusCode.Unauthorized);

        string sid = JsonElement.Parse((await client.RequestAsync("EIO=4&transport=polling&user=ann")).Body[1..]).GetProperty("sid").GetString()!;
        await client.RequestAsync($"EIO=4&transport=polling&user=ann&sid={sid}", "POST", new StringContent("""4{"connect":"/"}"""));
        await Within.UntilAsync(() => name == "ann", "ann has joined");
    }

    [Fact]
    public async Task A_browser_of_another_origin_is_answered_as_CORS_is_configured()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            services: b => b.Services.AddCors(),
            endpoints: app =>
            {
                app.UseCors();
                app.MapSocketIO(_ => new EnvelopeCodec()).RequireCors(policy => policy.WithOrigins("https://a.example").AllowCredentials());
            });
        using var http = new HttpClient();
        using var preflight = new HttpRequestMessage(HttpMethod.Options, new Uri(host.Http, "/socket.io/?EIO=4&transport=polling"));
        preflight.Headers.Add("Origin", "https://a.example");
        preflight.Headers.Add("Access-Control-Request-Method", "POST");

        using HttpResponseMessage allowed = await http.SendAsync(preflight);

        allowed.StatusCode.Should().Be(HttpStatusCode.NoContent);
        allowed.Headers.GetValues("Access-Control-Allow-Origin").Should().Equal("https://a.example");
        using var get = new HttpRequestMessage(HttpMethod.Get, new Uri(host.Http, "/socket.io/?EIO=4&transport=polling"));
        get.Headers.Add("Origin", "https://a.example");
        using HttpResponseMessage response = await http.SendAsync(get);
        response.Headers.GetValues("Access-Control-Allow-Origin").Should().Equal("https://a.example");
    }

    [Fact]
    public async Task The_event_server_takes_no_more_clients_than_it_may()
    {
        await using EventServerHost host = await StartAsync(options: o => o.MaxConnections = 1);
        using EngineClient one = await OpenAsync(host);
        using var two = new EngineClient(new Uri(host.Http, "/socket.io/"));

        (await two.RequestAsync("EIO=4&transport=polling")).Status.Should().Be(HttpStatusCode.ServiceUnavailable);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1_000, 0)]
    public async Task A_wrong_option_is_named_when_the_endpoint_is_mapped(int maxPayload, int pingSeconds)
    {
        Func<Task> starting = async () => await EventServerHost.StartAsync(endpoints: app => app.MapSocketIO(
            _ => new EnvelopeCodec(),
            configure: o =>
            {
                o.MaxPayload = maxPayload;
                o.PingInterval = TimeSpan.FromSeconds(pingSeconds);
            }));

        (await starting.Should().ThrowAsync<OptionsValidationException>()).Which.Failures.Should().ContainSingle()
            .Which.Should().StartWith(maxPayload == 0 ? "SocketIO:MaxPayload" : "SocketIO:PingInterval");
    }

    private static Task<EventServerHost> StartAsync(Action<EventServer>? setup = null, Action<EventServerOptions>? options = null) =>
        EventServerHost.StartAsync(setup, options, endpoints: app => app.MapSocketIO(_ => new EnvelopeCodec()));

    private static async Task<EngineClient> OpenAsync(EventServerHost host, string more = "")
    {
        var client = new EngineClient(new Uri(host.Http, "/socket.io/"));
        await client.OpenAsync(more);
        return client;
    }

    private static async Task JoinAsync(EngineClient client)
    {
        (await client.PostAsync("""4{"connect":"/"}""")).Body.Should().Be("ok");
        (await client.GetAsync()).Body.Should().Contain("\"connected\"");
    }

    /// <summary>Believes what the query says.</summary>
    private sealed class QueryAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            string user = Request.Query["user"].ToString();
            var principal = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, user)], "Test"));
            return Task.FromResult(user.Length > 0 ? AuthenticateResult.Success(new AuthenticationTicket(principal, "Test")) : AuthenticateResult.NoResult());
        }
    }
}

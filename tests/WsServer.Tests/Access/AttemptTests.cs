using System.Net;
using System.Net.Http.Headers;
using FluentAssertions;
using Microsoft.AspNetCore.HttpOverrides;
using WsServer.Tests.Limits;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Access;

/// <summary>Attempts to connect where not everybody may: those that authorization refuses, too.</summary>
public class AttemptTests
{
    private const int Burst = 20;
    private const string Open = "/socket.io/?EIO=4&transport=polling";

    [Theory]
    [InlineData("/", true)]
    [InlineData("/nowhere", true)]
    [InlineData("/socket.io/?EIO=4&transport=websocket", true)]
    [InlineData(Open, false)]
    public async Task Tokens_can_be_tried_as_often_as_one_may_connect_and_then_not_even_the_right_one(string path, bool isUpgrade)
    {
        await using EventServerHost host = await StartAsync();
        using HttpClient http = Http(host, "nonsense");
        var statuses = new List<int>();
        while (!statuses.Contains(429) && statuses.Count < 1_000)
        {
            statuses.Add(isUpgrade ? await UpgradeAsync(host, path, "nonsense") : (int)(await http.GetAsync(path)).StatusCode);
        }

        statuses.Should().HaveCountGreaterThan(Burst, "a burst is let through").And.EndWith(429);
        statuses[..^1].Should().OnlyContain(s => s == 401);
    }

    [Fact]
    public async Task Who_is_over_gets_429_with_a_valid_token_as_well_and_for_both_protocols()
    {
        await using EventServerHost host = await StartAsync();
        string token = host.TokenOf("ada");
        using HttpClient http = Http(host, token);
        int native = 0;
        HttpResponseMessage? polling = null;
        for (int i = 0; i < 1_000 && (native != 429 || polling?.StatusCode != HttpStatusCode.TooManyRequests); i++)
        {
            await UpgradeAsync(host, "/", "nonsense");
            native = await UpgradeAsync(host, "/", token);
            polling = await http.GetAsync(Open);
        }

        native.Should().Be(429);
        polling!.StatusCode.Should().Be(HttpStatusCode.TooManyRequests);
        polling.Headers.RetryAfter!.Delta.Should().BeGreaterThanOrEqualTo(TimeSpan.FromSeconds(1));
        (await polling.Content.ReadAsStringAsync()).Should().Contain("\"code\":3");
        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [InlineData("/", true)]
    [InlineData(Open, false)]
    public async Task An_attempt_that_succeeds_counts_once(string path, bool isUpgrade)
    {
        await using EventServerHost host = await StartAsync();
        string token = host.TokenOf("ada");
        using HttpClient http = Http(host, token);
        for (int i = 0; i < Burst; i++)
        {
            int status = isUpgrade ? await UpgradeAsync(host, path, token) : (int)(await http.GetAsync(path)).StatusCode;
            status.Should().Be(isUpgrade ? 101 : 200);
        }
    }

    [Fact]
    public async Task Polls_are_none()
    {
        await using EventServerHost host = await StartAsync();
        using HttpClient http = Http(host, host.TokenOf("ada"));
        string opened = await http.GetStringAsync(Open);
        string sid = System.Text.Json.JsonElement.Parse(opened[1..]).GetProperty("sid").GetString()!;
        for (int i = 0; i < Burst * 5; i++)
        {
            (await http.PostAsync($"{Open}&sid={sid}", new StringContent("6"))).StatusCode.Should().Be(HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task A_page_on_the_same_url_is_none()
    {
        await using EventServerHost host = await StartAsync();
        using HttpClient http = Http(host, "nonsense");
        for (int i = 0; i < Burst * 5; i++)
        {
            (await http.GetAsync("/page")).StatusCode.Should().Be(HttpStatusCode.OK);
        }

        (await UpgradeAsync(host, "/page", "nonsense")).Should().Be(401);
    }

    [Fact]
    public async Task What_is_refused_counts_for_the_client_and_not_for_its_proxy()
    {
        await using EventServerHost host = await StartAsync(app => app
            .UseForwardedHeaders(new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor })
            .UseRouting()
            .UseAuthentication()
            .UseAuthorization());
        int status = 0;
        for (int i = 0; i < 1_000 && status != 429; i++)
        {
            status = await UpgradeAsync(host, "/", "nonsense", LimitedHost.Address);
        }

        status.Should().Be(429);
        (await UpgradeAsync(host, "/", "nonsense", LimitedHost.OtherAddress)).Should().Be(401);
        (await UpgradeAsync(host, "/", host.TokenOf("ada"), LimitedHost.OtherAddress)).Should().Be(101);
        (await UpgradeAsync(host, "/", host.TokenOf("ada"))).Should().Be(101);
    }

    [Fact]
    public async Task Where_routing_comes_before_the_forwarded_headers_a_client_that_is_let_in_counts_for_itself()
    {
        await using EventServerHost host = await StartAsync(app => app.UseForwardedHeaders(new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor }));
        string token = host.TokenOf("ada");
        for (int i = 0; i < Burst; i++)
        {
            (await UpgradeAsync(host, "/", token, LimitedHost.Address)).Should().Be(101);
            (await UpgradeAsync(host, "/", token, LimitedHost.OtherAddress)).Should().Be(101);
        }
    }

    private static Task<EventServerHost> StartAsync(Action<WebApplication>? pipeline = null) => GuardedHost.StartAsync(
        io =>
        {
            io.RequireAuthorization();
            io.Of("/page");
        },
        o => (o.Limits.LimitLoopback, o.Limits.ConnectionAttemptBurst, o.Limits.ConnectionAttemptsPerSecond) = (true, Burst, 1),
        app =>
        {
            pipeline?.Invoke(app);
            app.MapSocketIO();
            app.MapGet("/page", () => "the page");
        });

    private static HttpClient Http(EventServerHost host, string token)
    {
        var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = host.Http, Timeout = Within.Reason };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return http;
    }

    private static async Task<int> UpgradeAsync(EventServerHost host, string path, string token, string? address = null)
    {
        string[] headers = [$"Authorization: Bearer {token}", .. address is null ? Array.Empty<string>() : [$"X-Forwarded-For: {address}"]];
        using RawWebSocket raw = await RawWebSocket.RequestAsync(host, path, null, headers);
        return raw.Status;
    }
}

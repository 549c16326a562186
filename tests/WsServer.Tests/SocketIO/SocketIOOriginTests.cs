using System.Collections.Concurrent;
using System.Net;
using System.Security.Claims;
using System.Text.Json;
using FluentAssertions;
using Microsoft.AspNetCore.Cors.Infrastructure;
using WsServer.Tests.EndToEnd;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO;

/// <summary>From which pages Socket.IO sessions may be opened.</summary>
public class SocketIOOriginTests(Browser browser) : IClassFixture<Browser>
{
    private const string Evil = "https://evil.example";
    private const string Polling = "/socket.io/?EIO=4&transport=polling";
    private const string Cookie = "Cookie: session=secret";

    [Theory]
    [InlineData(200)]
    [InlineData(200, "Origin: {same}")]
    [InlineData(200, "Sec-Fetch-Site: same-origin")]
    [InlineData(200, "Sec-Fetch-Site: none")]
    [InlineData(200, "Origin: https://a.example", Cookie)]
    [InlineData(200, "Origin: https://a.example", "Sec-Fetch-Site: cross-site")]
    [InlineData(403, "Origin: https://evil.example")]
    [InlineData(403, "Origin: https://a.example.evil.example")]
    [InlineData(403, "Origin: null")]
    [InlineData(403, "Sec-Fetch-Site: cross-site")]
    [InlineData(403, "Sec-Fetch-Site: same-site")]
    [InlineData(403, "Sec-Fetch-Site: cross-site", Cookie)]
    public async Task A_session_over_polling_is_for_pages_of_allowed_origins_and_for_who_is_no_browser(int status, params string[] headers)
    {
        await using EventServerHost host = await StartAsync(options: o => o.AllowedOrigins.Add("https://a.example"));

        (await StatusAsync(host, headers)).Should().Be(status);

        host.Log.Entries.Any(e => e.Message.Contains("was refused: the origin")).Should().Be(status == 403);
    }

    [Theory]
    [InlineData(101)]
    [InlineData(101, "Origin: {same}")]
    [InlineData(101, "Origin: https://a.example")]
    [InlineData(403, "Origin: https://evil.example")]
    [InlineData(403, "Origin: null")]
    public async Task So_is_a_session_over_a_WebSocket(int status, params string[] headers)
    {
        // CORS is not for WebSockets.
        await using EventServerHost host = await StartAsync(options: o => o.AllowedOrigins.Add("https://a.example"), cors: p => p.WithOrigins(Evil).AllowCredentials());

        using RawWebSocket raw = await RawWebSocket.RequestAsync(host, "/socket.io/?EIO=4&transport=websocket", null, [.. headers.Select(h => Complete(host, h))]);

        raw.Status.Should().Be(status);
    }

    [Theory]
    [InlineData(200, "https://a.example", true, false)]
    [InlineData(200, "https://a.example", true, true)]
    [InlineData(200, "https://a.example", false, false)]
    [InlineData(403, "https://a.example", false, true)]
    [InlineData(403, "https://b.example", true, false)]
    [InlineData(200, "*", false, false)]
    [InlineData(403, "*", false, true)]
    public async Task A_page_that_CORS_allows_may_poll_with_cookies_only_if_it_allows_them_too(int status, string allowed, bool allowsCookies, bool hasCookie)
    {
        await using EventServerHost host = await StartAsync(cors: p =>
        {
            p.WithOrigins(allowed);
            if (allowsCookies)
            {
                p.AllowCredentials();
            }
        });

        (await StatusAsync(host, ["Origin: https://a.example", .. hasCookie ? [Cookie] : Array.Empty<string>()])).Should().Be(status);
    }

    [Theory]
    [InlineData(200, "default")]
    [InlineData(200, "named")]
    [InlineData(403, "other")]
    [InlineData(403, "disabled")]
    public async Task The_policy_is_that_of_the_endpoint_or_else_the_default(int status, string which)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            services: b => b.Services.AddCors(o =>
            {
                o.AddDefaultPolicy(p => p.WithOrigins(which == "default" || which == "disabled" ? Evil : "https://b.example"));
                o.AddPolicy("named", p => p.WithOrigins(Evil));
                o.AddPolicy("other", p => p.WithOrigins("https://b.example"));
            }),
            endpoints: app =>
            {
                app.UseCors();
                IEndpointConventionBuilder endpoint = app.MapSocketIO();
                _ = which switch
                {
                    "default" => endpoint,
                    "disabled" => endpoint.WithMetadata(new Microsoft.AspNetCore.Cors.DisableCorsAttribute()),
                    _ => endpoint.RequireCors(which),
                };
            });

        (await StatusAsync(host, $"Origin: {Evil}")).Should().Be(status);
    }

    [Fact]
    public async Task In_Development_any_page_may()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(environment: "Development", endpoints: app => app.MapSocketIO());

        (await StatusAsync(host, $"Origin: {Evil}")).Should().Be(200);
    }

    [Fact]
    public async Task Who_knows_a_session_is_not_asked_from_where_it_comes()
    {
        await using EventServerHost host = await StartAsync();
        using var http = new HttpClient();
        string opened = await http.GetStringAsync(new Uri(host.Http, Polling));
        string sid = JsonElement.Parse(opened[1..]).GetProperty("sid").GetString()!;
        using var post = new HttpRequestMessage(HttpMethod.Post, new Uri(host.Http, $"{Polling}&sid={sid}")) { Content = new StringContent("40") };
        post.Headers.Add("Sec-Fetch-Site", "cross-site");

        using HttpResponseMessage response = await http.SendAsync(post);

        response.StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [BrowserFact]
    public async Task What_a_page_of_another_origin_loads_takes_none_of_the_users_places()
    {
        // The page of one server, a browser that is signed in to the other (cookies know no ports).
        var statuses = new ConcurrentQueue<int>();
        await using EventServerHost attacker = await StartAsync();
        await using EventServerHost victim = await StartAsync(statuses, o => o.Limits.MaxConnectionsPerUser = 1);
        await using Window window = await browser.OpenAsync(new Uri(attacker.Http, "/page"));
        await window.Page.Context.AddCookiesAsync([new() { Name = "session", Value = "ada", Url = victim.Http.ToString() }]);
        string open = new Uri(victim.Http, Polling).ToString();

        foreach (string attack in new[] { Image, Fetch, FetchWithoutCors })
        {
            (await window.Page.EvaluateAsync<bool>(attack, open)).Should().BeFalse("it can read nothing");
        }

        statuses.Should().Equal(403, 403, 403);
        victim.Io.ConnectionCount.Should().Be(0);

        // And the victim's own page may.
        await window.Page.GotoAsync(new Uri(victim.Http, "/page").ToString());
        (await window.Page.EvaluateAsync<bool>(Fetch, open)).Should().BeTrue();
    }

    private static Task<EventServerHost> StartAsync(
        ConcurrentQueue<int>? statuses = null, Action<EventServerOptions>? options = null, Action<CorsPolicyBuilder>? cors = null) => EventServerHost.StartAsync(
        options: options,
        services: b => b.Services.AddCors(),
        endpoints: app =>
        {
            app.Use(async (context, next) =>
            {
                if (context.Request.Cookies["session"] is { } user)
                {
                    context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, user)], "test"));
                }

                await next(context);
                if (context.Request.Path.StartsWithSegments("/socket.io"))
                {
                    statuses?.Enqueue(context.Response.StatusCode);
                }
            });
            app.UseRouting();
            app.UseCors();
            app.MapGet("/page", () => Results.Content("<!doctype html>", "text/html"));
            IEndpointConventionBuilder endpoint = app.MapSocketIO();
            if (cors is not null)
            {
                endpoint.RequireCors(cors);
            }
        });

    private static async Task<int> StatusAsync(EventServerHost host, params string[] headers)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false });
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(host.Http, Polling));
        foreach (string header in headers)
        {
            string[] parts = Complete(host, header).Split(": ");
            request.Headers.TryAddWithoutValidation(parts[0], parts[1]);
        }

        using HttpResponseMessage response = await http.SendAsync(request);
        string body = await response.Content.ReadAsStringAsync();
        (response.StatusCode == HttpStatusCode.Forbidden).Should().Be(body == """{"code":4,"message":"Forbidden"}""");
        return (int)response.StatusCode;
    }

    private static string Complete(EventServerHost host, string header) => header.Replace("{same}", $"http://{host.Http.Authority}");

    // Each says whether the page could read what came.
    private const string Image = """
        url => new Promise(resolve => {
          const image = new Image();
          image.onload = () => resolve(true);
          image.onerror = () => resolve(false);
          image.src = url;
        })
        """;

    private const string Fetch = "url => fetch(url, { credentials: 'include' }).then(r => r.ok, () => false)";

    private const string FetchWithoutCors = "url => fetch(url, { credentials: 'include', mode: 'no-cors' }).then(r => r.ok, () => false)";
}

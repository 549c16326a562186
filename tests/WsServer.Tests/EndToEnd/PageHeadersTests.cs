using System.Net;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>What the application's answers tell a browser not to do.</summary>
public class PageHeadersTests(Browser browser) : IClassFixture<Browser>
{
    [ProcessFact]
    public async Task Every_answer_has_the_headers_and_says_nothing_of_the_server()
    {
        await using App app = await App.StartAsync();
        using var http = new HttpClient();
        foreach (string path in new[] { "/", "/index.html", "/status", "/health/ready", "/nothing" })
        {
            using HttpResponseMessage response = await http.GetAsync(new Uri(app.Address, path));
            string policy = response.Headers.GetValues("Content-Security-Policy").Single();
            policy.Should().StartWith("default-src 'none'").And.Contain("frame-ancestors 'none'").And.NotContain("unsafe");
            response.Headers.GetValues("X-Content-Type-Options").Should().Equal("nosniff");
            response.Headers.GetValues("Referrer-Policy").Should().Equal("no-referrer");
            response.Headers.GetValues("X-Frame-Options").Should().Equal("DENY");
            response.Headers.Contains("Server").Should().BeFalse();
            (response.StatusCode == HttpStatusCode.OK).Should().Be(path != "/nothing");
        }
    }

    [BrowserFact]
    public async Task The_page_runs_its_own_script_and_no_other()
    {
        await using App app = await App.StartAsync();
        await using Window window = await browser.OpenAsync(app);
        await window.LogInAsync("Ada");
        window.ExpectNoErrors();

        await window.Page.EvaluateAsync("""
            () => {
              const inline = document.createElement('script');
              inline.textContent = 'window.hacked = 1';
              document.body.append(inline);
              const image = document.createElement('div');
              image.innerHTML = '<img src="data:," onerror="window.hacked = 2">';
              document.body.append(image);
            }
            """);
        await window.Page.WaitForFunctionAsync("() => document.querySelector('div > img').complete");
        (await window.Page.EvaluateAsync<bool>("() => 'hacked' in window")).Should().BeFalse();
        string refused = await window.Page.EvaluateAsync<string>("""
            () => new Promise(resolve => {
              document.addEventListener('securitypolicyviolation', e => resolve(e.effectiveDirective), { once: true });
              fetch('http://127.0.0.1:1/').catch(() => {});
            })
            """);
        refused.Should().Be("connect-src");
    }

    [BrowserFact]
    public async Task A_page_of_another_origin_cannot_connect_with_the_users_cookies()
    {
        // The page of one server, a browser that has a cookie for both (cookies know no ports), the events of the other.
        await using EventServerHost attacker = await StartWithPageAsync();
        await using EventServerHost victim = await StartWithPageAsync();
        await using Window window = await browser.OpenAsync(new Uri(attacker.Http, "/page"));
        await window.Page.Context.AddCookiesAsync([new() { Name = "session", Value = "secret", Url = victim.Http.ToString() }]);

        int code = await window.Page.EvaluateAsync<int>(Connect, victim.Ws().ToString());

        code.Should().Be(1006, "the upgrade was refused");
        victim.Io.ConnectionCount.Should().Be(0);
        victim.Log.Entries.Should().Contain(e => e.Message.Contains("was refused: the origin"));

        // And the victim's own page may.
        await window.Page.GotoAsync(new Uri(victim.Http, "/page").ToString());
        (await window.Page.EvaluateAsync<int>(Connect, victim.Ws().ToString())).Should().Be(0);
    }

    private static Task<EventServerHost> StartWithPageAsync() => EventServerHost.StartAsync(
        endpoints: app => app.MapGet("/page", () => Results.Content("<!doctype html>", "text/html")));

    private const string Connect = """
        url => new Promise(resolve => {
          const ws = new WebSocket(url);
          ws.onmessage = () => resolve(0);
          ws.onclose = e => resolve(e.code);
        })
        """;
}

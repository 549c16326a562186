using FluentAssertions;
using WsServer.Tests.EndToEnd;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Access;

/// <summary>A real browser, whose WebSocket can set no header.</summary>
public class BrowserTokenTests(Browser browser) : IClassFixture<Browser>
{
    private const string Connect = """
        ([url, protocols]) => new Promise(resolve => {
          const socket = new WebSocket(url, protocols);
          socket.onopen = () => socket.send('{"event":"whoami","id":1}');
          socket.onmessage = ({ data }) => { if ('ack' in JSON.parse(data)) resolve(`${socket.protocol} ${JSON.parse(data).data}`); };
          socket.onclose = ({ code }) => resolve(`closed ${code}`);
        })
        """;

    [BrowserFact]
    public async Task A_page_brings_its_token_as_a_subprotocol()
    {
        await using EventServerHost host = await GuardedHost.StartAsync(
            io => io.RequireAuthorization(), endpoints: app => app.MapGet("/page", () => Results.Content("<!doctype html><title>page</title><link rel=icon href=data:,>", "text/html")));
        await using Window window = await browser.OpenAsync(new Uri(host.Http, "/page"));
        string bearer = $"bearer.{GuardedHost.Base64UrlOf(host.TokenOf("ada"))}";

        (await ConnectAsync("wsserver.json.v1", bearer)).Should().Be("wsserver.json.v1 ada");
        window.ExpectNoErrors();
        (await ConnectAsync("wsserver.json.v1")).Should().Be("closed 1006", "nobody is signed in");
        (await ConnectAsync(bearer)).Should().Be("closed 1006", "a browser wants one of its protocols selected, and the token never is");

        Task<string> ConnectAsync(params string[] protocols) => window.Page.EvaluateAsync<string>(Connect, new object[] { host.Ws().ToString(), protocols });
    }
}

using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class OriginTests
{
    [Theory]
    [InlineData("Production", null, 101)]
    [InlineData("Production", "{same}", 101)]
    [InlineData("Production", "https://{authority}", 101)]
    [InlineData("Production", "https://evil.example", 403)]
    [InlineData("Production", "http://127.0.0.1", 403)]
    [InlineData("Production", "http://127.0.0.1:1", 403)]
    [InlineData("Production", "null", 403)]
    [InlineData("Production", "nonsense", 403)]
    [InlineData("Staging", "https://evil.example", 403)]
    [InlineData("Development", null, 101)]
    [InlineData("Development", "{same}", 101)]
    [InlineData("Development", "https://evil.example", 101)]
    [InlineData("Development", "null", 101)]
    public async Task A_browser_may_come_from_the_same_origin_and_in_Development_from_any(string environment, string? origin, int status) =>
        (await StatusAsync(environment, origin)).Should().Be(status);

    [Theory]
    [InlineData("https://a.example", 101)]
    [InlineData("https://A.Example", 101)]
    [InlineData("https://b.example:8443", 101)]
    [InlineData("http://a.example", 403)]
    [InlineData("https://a.example:444", 403)]
    [InlineData("https://a.example.evil.example", 403)]
    [InlineData("https://sub.a.example", 403)]
    [InlineData("null", 403)]
    [InlineData("{same}", 101)]
    public async Task Allowed_origins_come_on_top_of_the_own(string origin, int status) =>
        (await StatusAsync("Production", origin, "https://a.example", "https://b.example:8443/")).Should().Be(status);

    [Fact]
    public async Task A_star_allows_any_origin() => (await StatusAsync("Production", "https://evil.example", "*")).Should().Be(101);

    [Fact]
    public async Task Null_may_be_allowed() => (await StatusAsync("Production", "null", "null")).Should().Be(101);

    [Fact]
    public async Task A_refused_origin_is_logged_with_the_option_that_would_allow_it()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        using RawWebSocket raw = await RawWebSocket.RequestAsync(host, "/", null, "Origin: https://evil.example");

        host.Log.Entries.Should().Contain(e => e.Message.Contains("https://evil.example") && e.Message.Contains("AllowedOrigins"));
        host.Io.ConnectionCount.Should().Be(0);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/socket.io/?EIO=4&transport=websocket")]
    public async Task A_refused_origin_is_counted(string path)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(endpoints: app => app.MapSocketIO());
        using var refused = new CountedMetric(host, "wsserver.connections.refused");
        using RawWebSocket good = await RawWebSocket.RequestAsync(host, path, null, $"Origin: http://{host.Http.Authority}");
        refused.Total.Should().Be(0);
        using RawWebSocket evil = await RawWebSocket.RequestAsync(host, path, null, "Origin: https://evil.example");

        (good.Status, evil.Status).Should().Be((101, 403));
        refused.Total.Should().Be(1);
    }

    private static async Task<int> StatusAsync(string environment, string? origin, params string[] allowed)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(environment: environment, options: o =>
        {
            foreach (string one in allowed)
            {
                o.AllowedOrigins.Add(one);
            }
        });
        string? header = origin?.Replace("{same}", $"http://{host.Http.Authority}").Replace("{authority}", host.Http.Authority);
        using RawWebSocket raw = await RawWebSocket.RequestAsync(host, "/", null, header is null ? [] : [$"Origin: {header}"]);
        return raw.Status;
    }
}

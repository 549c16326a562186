using System.Net;
using System.Text.Json;
using FluentAssertions;
using Xunit;

namespace WsServer.Tests.SocketIO.Engine;

public class RequestTests
{
    [Theory]
    [InlineData("GET", "EIO=4", "400 0")]
    [InlineData("GET", "EIO=4&transport=", "400 0")]
    [InlineData("GET", "EIO=4&transport=abc", "400 0")]
    [InlineData("GET", "EIO=4&transport=webtransport", "400 0")]
    [InlineData("GET", "EIO=4&transport=polling&sid=nobody", "400 1")]
    [InlineData("POST", "EIO=4&transport=polling&sid=nobody", "400 1")]
    [InlineData("POST", "EIO=4&transport=polling", "400 2")]
    [InlineData("PUT", "EIO=4&transport=polling", "400 2")]
    [InlineData("OPTIONS", "EIO=4&transport=polling", "400 2")]
    [InlineData("GET", "EIO=4&transport=websocket", "400 3")]
    [InlineData("GET", "transport=polling", "400 5")]
    [InlineData("GET", "EIO=3&transport=polling", "400 5")]
    [InlineData("GET", "EIO=abc&transport=polling", "400 5")]
    public async Task A_wrong_request_is_refused_with_its_code(string method, string query, string code)
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using var client = new EngineClient(host.Http);

        EngineResponse response = await client.RequestAsync(query, method);

        response.Code.Should().Be(code);
        response.ContentType.Should().StartWith("application/json");
        JsonElement.Parse(response.Body).GetProperty("message").GetString().Should().NotBeNullOrEmpty();
        host.Sessions.Should().BeEmpty();
    }

    [Theory]
    [InlineData("EIO=4")]
    [InlineData("EIO=4&transport=abc")]
    [InlineData("EIO=4&transport=polling")]
    [InlineData("EIO=4&transport=websocket&sid=nobody")]
    [InlineData("EIO=3&transport=websocket")]
    [InlineData("transport=websocket")]
    public async Task A_wrong_WebSocket_request_is_refused(string query)
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using var client = new EngineClient(host.Http);

        Func<Task> connecting = () => client.ConnectAsync(query);

        (await connecting.Should().ThrowAsync<HttpRequestException>()).Which.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        host.Sessions.Should().BeEmpty();
    }

    [Theory]
    [InlineData("transport=polling&EIO=4")]
    [InlineData("EIO=4&transport=polling&t=abc123")]
    public async Task A_handshake_over_polling_tells_what_the_client_needs(string query)
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using var client = new EngineClient(host.Http);

        EngineResponse response = await client.RequestAsync(query);

        response.Status.Should().Be(HttpStatusCode.OK);
        response.ContentType.Should().Be("text/plain; charset=UTF-8");
        response.CacheControl.Should().Be("no-store");
        response.Body.Should().MatchRegex("""^0\{"sid":"[A-Za-z0-9_-]{20}","upgrades":\["websocket"\],"pingInterval":300,"pingTimeout":200,"maxPayload":10000\}$""");
    }

    [Fact]
    public async Task A_handshake_over_a_WebSocket_offers_no_upgrade()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using var client = new EngineClient(host.Http);

        using EngineWebSocket socket = await client.ConnectAsync("EIO=4&transport=websocket");

        (await socket.ReceiveAsync()).Should().MatchRegex("""^0\{"sid":"[A-Za-z0-9_-]{20}","upgrades":\[\],"pingInterval":300,"pingTimeout":200,"maxPayload":10000\}$""");
    }

    [Fact]
    public async Task The_path_may_end_without_a_slash()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using var client = new EngineClient(new Uri(host.Http.ToString().TrimEnd('/')));

        (await client.RequestAsync("EIO=4&transport=polling")).Status.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Sessions_have_different_ids()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient one = await EngineClient.OpenAsync(host);
        using EngineClient other = await EngineClient.OpenAsync(host);

        one.Sid.Should().NotBe(other.Sid);
    }

    [Fact]
    public async Task A_session_of_a_WebSocket_takes_no_polling_requests()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using var client = new EngineClient(host.Http);
        using EngineWebSocket socket = await client.ConnectAsync("EIO=4&transport=websocket");
        string sid = JsonElement.Parse((await socket.ReceiveAsync())![1..]).GetProperty("sid").GetString()!;

        (await client.RequestAsync($"EIO=4&transport=polling&sid={sid}")).Code.Should().Be("400 3");
        (await client.RequestAsync($"EIO=4&transport=polling&sid={sid}", "POST", new StringContent("4a"))).Code.Should().Be("400 3");
        await socket.SendAsync("4still here");
        (await socket.ReceiveAsync()).Should().Be("4still here");
    }

    [Fact]
    public async Task One_session_more_than_allowed_is_refused_until_another_has_ended()
    {
        await using EngineHost host = await EngineHost.StartAsync(change: s => s with { MaxSessions = 2 });
        using EngineClient one = await EngineClient.OpenAsync(host);
        using EngineClient two = await EngineClient.OpenAsync(host);
        using var three = new EngineClient(host.Http);

        EngineResponse refused = await three.RequestAsync("EIO=4&transport=polling");
        refused.Status.Should().Be(HttpStatusCode.ServiceUnavailable);
        JsonElement.Parse(refused.Body).GetProperty("message").GetString().Should().Be("Too many connections");
        Func<Task> connecting = () => three.ConnectAsync("EIO=4&transport=websocket");
        (await connecting.Should().ThrowAsync<HttpRequestException>()).Which.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);

        Task<EngineResponse> poll = two.GetAsync();
        (await two.PostAsync("1")).Body.Should().Be("ok");
        await poll;
        (await three.RequestAsync("EIO=4&transport=polling")).Status.Should().Be(HttpStatusCode.OK);
    }
}

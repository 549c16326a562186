using FluentAssertions;
using WsServer.Tests.Limits;
using WsServer.Tests.SocketIO.Engine;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO;

/// <summary>Socket.IO clients under the limits of the event server.</summary>
public class SocketIOLimitTests
{
    private const string Open = "EIO=4&transport=polling";

    [Fact]
    public async Task A_session_over_polling_holds_a_place_of_its_address_until_it_ends()
    {
        await using EventServerHost host = await StartAsync(l => l.MaxConnectionsPerAddress = 1);
        using EngineClient first = Client(host);
        await first.OpenAsync();
        using EngineClient second = Client(host);

        EngineResponse refused = await second.RequestAsync(Open);

        refused.Code.Should().Be("429 3");
        using RawWebSocket native = await LimitedHost.RequestAsync(host);
        native.Status.Should().Be(429, "the places are those of all protocols");
        await first.PostAsync("1");
        (await second.RequestAsync(Open)).Code.Should().Be("200");
    }

    [Fact]
    public async Task A_session_over_a_WebSocket_holds_one_place_for_all_protocols()
    {
        await using EventServerHost host = await StartAsync(l => l.MaxConnectionsPerAddress = 2);
        using EngineWebSocket first = await EngineWebSocket.ConnectAsync(host.Ws("/socket.io/?EIO=4&transport=websocket"));
        await first.ReceiveAsync();
        await using EventClient native = await EventClient.ConnectAsync(host);

        using RawWebSocket third = await RawWebSocket.RequestAsync(host, "/socket.io/?EIO=4&transport=websocket");

        third.Status.Should().Be(429);
        third.Headers.Should().ContainKey("retry-after");
        await native.CloseAsync();
        await Within.UntilAsync(() => host.Io.ConnectionCount == 1, "a place is free");
        using EngineClient polling = Client(host);
        (await polling.RequestAsync(Open)).Code.Should().Be("200");
    }

    [Fact]
    public async Task Requests_that_name_no_session_are_attempts_and_polls_are_not()
    {
        await using EventServerHost host = await StartAsync(l => (l.ConnectionAttemptBurst, l.ConnectionAttemptsPerSecond) = (3, 1));
        using EngineClient client = Client(host);
        await client.OpenAsync();
        for (int i = 0; i < 10; i++)
        {
            (await client.PostAsync("6")).Code.Should().Be("200");
        }

        var codes = new List<string>();
        while (!codes.Contains("429 3") && codes.Count < 1_000)
        {
            codes.Add((await client.RequestAsync(Open + "&sid=none")).Code);
        }

        codes.Should().HaveCountGreaterThan(2, "two attempts were left").And.OnlyContain(c => c == "400 1" || c == "429 3");
        (await client.PostAsync("6")).Code.Should().Be("200");
    }

    [Theory]
    [InlineData("42[\"x\"]")]
    [InlineData("3")]
    [InlineData("6")]
    public async Task Over_its_rate_a_WebSocket_is_closed_at_once_as_it_cannot_be_told(string packet)
    {
        await using EventServerHost host = await StartAsync(l => (l.PerConnection.MessagesPerSecond, l.PerConnection.MessageBurst) = (10, 20), new ManualTime());
        using EngineWebSocket socket = await EngineWebSocket.ConnectAsync(host.Ws("/socket.io/?EIO=4&transport=websocket"));
        await socket.ReceiveAsync();
        await socket.SendAsync("40");
        (await socket.ReceiveAsync()).Should().StartWith("40{");
        for (int i = 1; i < 20; i++)
        {
            await socket.SendAsync(packet);
        }

        await Within.UntilAsync(() => host.Io.ConnectionCount == 1, "it is connected");
        await socket.SendAsync(packet);

        (await socket.ReceiveAsync()).Should().BeNull();
        ((int?)socket.CloseStatus).Should().Be(1008);
    }

    [Theory]
    [InlineData("3")]
    [InlineData("6")]
    [InlineData("42[\"x\"]")]
    public async Task Over_its_rate_a_session_that_polls_is_ended(string packet)
    {
        await using EventServerHost host = await StartAsync(l => (l.PerConnection.MessagesPerSecond, l.PerConnection.MessageBurst) = (10, 20), new ManualTime());
        using EngineClient client = Client(host);
        await client.OpenAsync();
        (await client.PostAsync("40")).Code.Should().Be("200");
        for (int i = 1; i < 20; i++)
        {
            (await client.PostAsync(packet)).Code.Should().Be("200");
        }

        host.Io.ConnectionCount.Should().Be(1);
        await client.PostAsync(packet);

        // What was said before, and then the goodbye.
        var packets = new List<string>();
        while (packets.LastOrDefault() != "1")
        {
            packets.AddRange((await client.GetAsync()).Body.Split(EngineClient.Separator));
        }

        packets.Should().HaveCount(2).And.HaveElementAt(1, "1");
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the session is over");
    }

    private static EngineClient Client(EventServerHost host) => new(new Uri(host.Http, "/socket.io/"));

    private static Task<EventServerHost> StartAsync(Action<EventServerLimits> limits, TimeProvider? time = null) => LimitedHost.StartAsync(
        l =>
        {
            l.LimitLoopback = true;
            limits(l);
        },
        time: time,
        endpoints: app => app.MapSocketIO());
}

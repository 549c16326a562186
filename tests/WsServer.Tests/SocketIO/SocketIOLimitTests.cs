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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Attachments_cost_when_they_come_however_many_are_still_missing(bool isWebSocket)
    {
        await using EventServerHost host = await StartAsync(l => (l.PerConnection.MessagesPerSecond, l.PerConnection.MessageBurst) = (1, 10), new ManualTime());
        using EngineClient client = Client(host);
        await client.OpenAsync();
        using EngineWebSocket? socket = isWebSocket ? await client.UpgradeAsync() : null;
        Func<string, Task> send = socket is null ? packet => client.PostAsync(packet) : socket.SendAsync;
        await send("40");
        await send("""4510-["e",1]""");
        for (int i = 0; i < 8; i++)
        {
            await (socket?.SendAsync(new byte[100]) ?? client.PostAsync("bAAAA"));
        }

        await Within.UntilAsync(() => host.Io.Root.SocketCount == 1, "it has joined");
        host.Log.Entries.Should().NotContain(e => e.Message.Contains("over the rate"));

        await (socket?.SendAsync(new byte[100]) ?? client.PostAsync("bAAAA"));

        await Within.UntilAsync(() => host.Log.Entries.Any(e => e.Message.Contains("over the rate for each connection")), "it is one too many");
        await Within.UntilAsync(() => host.Io.Root.SocketCount == 0, "it is put out");
    }

    [Fact]
    public async Task A_packet_with_attachments_costs_its_bytes_once()
    {
        await using EventServerHost host = await StartAsync(
            l => (l.PerConnection.BytesPerSecond, l.PerConnection.ByteBurst) = (1_000, 10_000),
            new ManualTime(),
            o => o.MaxMessageBytes = 10_000,
            io => io.On<byte[][], int>("measure", (_, parts) => parts.Sum(part => part.Length)));
        using EngineWebSocket socket = await EngineWebSocket.ConnectAsync(host.Ws("/socket.io/?EIO=4&transport=websocket"));
        await socket.ReceiveAsync();
        await socket.SendAsync("40");
        (await socket.ReceiveAsync()).Should().StartWith("40{");
        const string Text = """452-7["measure",[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]]""";
        await socket.SendAsync(Text);
        await socket.SendAsync(new byte[5_000]);
        await socket.SendAsync(new byte[5_000 - 2 - Text.Length]);
        (await socket.ReceiveAsync()).Should().Be($"437[{10_000 - 2 - Text.Length}]");

        await socket.SendAsync("3");

        (await socket.ReceiveAsync()).Should().BeNull();
        ((int?)socket.CloseStatus).Should().Be(1008);
    }

    private static EngineClient Client(EventServerHost host) => new(new Uri(host.Http, "/socket.io/"));

    private static Task<EventServerHost> StartAsync(
        Action<EventServerLimits> limits, TimeProvider? time = null, Action<EventServerOptions>? options = null, Action<EventServer>? setup = null) => LimitedHost.StartAsync(
        l =>
        {
            l.LimitLoopback = true;
            limits(l);
        },
        setup,
        time,
        options,
        app => app.MapSocketIO());
}

using System.Text.Json;
using FluentAssertions;
using WsServer.Connections;
using WsServer.SocketIO.Wire;
using WsServer.Tests.Support;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.SocketIO.Engine;

/// <summary>Clients that announce attachments and give no more than pongs from then on: pings are 300 ms apart, and the rest has 500 ms to come.</summary>
public class UnfinishedPacketTests
{
    private const string Announcement = """452-["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]""";

    [Theory]
    [InlineData(100, true)]
    [InlineData(101, false)]
    public async Task The_session_ends_with_the_ping_that_finds_the_rest_overdue(int begun, bool isOver)
    {
        await using EngineHost host = await StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        Advance(host, begun);
        await client.PostAsync(Announcement);
        Advance(host, 300 - begun);
        await PongAsync(client);

        Advance(host, 300);

        if (isOver)
        {
            await ExpectEndAsync(host, client);
            return;
        }

        await PongAsync(client);
        Advance(host, 300);
        await ExpectEndAsync(host, client);
    }

    [Fact]
    public async Task Each_attachment_has_the_whole_time()
    {
        await using EngineHost host = await StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        await client.PostAsync(Announcement);
        for (int i = 0; i < 2; i++)
        {
            Advance(host, 300);
            await PongAsync(client);
            await client.PostAsync("bAAAA");
        }

        // It is whole.
        (await client.GetAsync()).Body.Should().StartWith("b");
        for (int i = 0; i < 5; i++)
        {
            Advance(host, 300);
            await PongAsync(client);
        }

        host.Ends.Should().BeEmpty();
    }

    [Fact]
    public async Task Going_over_to_a_WebSocket_gives_no_more_time()
    {
        await using EngineHost host = await StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        await client.PostAsync(Announcement);
        using EngineWebSocket socket = await client.UpgradeAsync();
        await Within.UntilAsync(() => host.Sessions[client.Sid].IsReceiving, "the server reads");
        Advance(host, 300);
        (await socket.ReceiveAsync()).Should().Be("2");
        await socket.SendAsync("3");
        await Within.UntilAsync(() => host.Time.TimersWithin(TimeSpan.FromMilliseconds(200)) == 0, "the pong is there");

        Advance(host, 300);

        (await socket.ReceiveAsync()).Should().BeNull();
        (await host.EndAsync(client.Sid)).Should().StartWith(nameof(TimeoutException));
    }

    [Fact]
    public async Task The_time_does_not_count_while_the_server_itself_does_not_read()
    {
        var time = new ManualTime();
        var goOn = new TaskCompletionSource();
        int handled = 0;
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.On("e", async (EventSocket _, JsonElement _) =>
            {
                await goOn.Task;
                Interlocked.Increment(ref handled);
            }),
            o => (o.MaxQueuedEvents, o.PingInterval) = (1, TimeSpan.FromDays(20)),
            services: b => b.Services.AddSingleton<TimeProvider>(time),
            endpoints: app => app.MapSocketIO(
                configure: o => (o.PingInterval, o.PingTimeout) = (TimeSpan.FromMilliseconds(300), TimeSpan.FromMilliseconds(200))));
        using var client = new EngineClient(new Uri(host.Http, "/socket.io/"));
        await client.OpenAsync();
        await client.PostAsync("40");
        (await client.GetAsync()).Body.Should().StartWith("40{");

        // One runs, and the other waits; the announcement behind them is read, and nothing more.
        Task posting = client.PostAsync("42[\"e\",1]", "42[\"e\",2]", """451-["e",{"_placeholder":true,"num":0}]""");
        time.Advance(TimeSpan.FromMilliseconds(300));
        (await client.GetAsync()).Body.Should().Be("2");
        for (int i = 0; i < 10; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(200));
        }

        posting.IsCompleted.Should().BeFalse();
        goOn.SetResult();
        await Within.TimeAsync(posting, "the post");
        await PongAsync(client, isPinged: false);
        time.Advance(TimeSpan.FromMilliseconds(300));
        await PongAsync(client);
        (await client.PostAsync("bAAAA")).Body.Should().Be("ok");
        await Within.UntilAsync(() => handled == 3, "the packet is handled");
    }

    private static Task<EngineHost> StartAsync() => EngineHost.StartAsync(async session =>
    {
        session.Assembler = new PacketAssembler(10_000);
        while (await session.ReceiveAsync(CancellationToken.None) is { Kind: not TransportMessageKind.Closed } message)
        {
            await session.SendAsync(new[] { EncodedPacket.Create(message.Payload.Span, message.Kind == TransportMessageKind.Binary) }, CancellationToken.None);
        }
    });

    private static void Advance(EngineHost host, int milliseconds) => host.Time.Advance(TimeSpan.FromMilliseconds(milliseconds));

    private static async Task PongAsync(EngineClient client, bool isPinged = true)
    {
        if (isPinged)
        {
            (await client.GetAsync()).Body.Should().Be("2");
        }

        (await client.PostAsync("3")).Body.Should().Be("ok");
    }

    private static async Task ExpectEndAsync(EngineHost host, EngineClient client)
    {
        (await host.EndAsync(client.Sid)).Should().Be(nameof(TimeoutException));
        (await client.GetAsync()).Code.Should().Be("400 1");
    }
}

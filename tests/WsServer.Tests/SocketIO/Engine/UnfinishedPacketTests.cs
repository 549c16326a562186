using FluentAssertions;
using WsServer.Connections;
using WsServer.SocketIO.Engine;
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
        var told = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        await using EngineHost host = await EngineHost.StartAsync(
            async session =>
            {
                session.Assembler = new PacketAssembler(10_000);
                (await session.ReceiveAsync(CancellationToken.None)).Kind.Should().Be(TransportMessageKind.Control);
                told.SetResult();
                await goOn.Task;
                await EchoAsync(session);
            },
            isLimited: true);
        using EngineClient client = await EngineClient.OpenAsync(host);
        Task posting = client.PostAsync(Announcement);
        await Within.TimeAsync(told.Task, "the announcement");
        Advance(host, 300);
        (await client.GetAsync()).Body.Should().Be("2");
        for (int i = 0; i < 10; i++)
        {
            Advance(host, 200);
        }

        goOn.SetResult();
        await Within.TimeAsync(posting, "the post");
        await client.PostAsync("3");
        Advance(host, 300);
        await PongAsync(client);
        host.Ends.Should().BeEmpty();

        // But from when it reads again.
        Advance(host, 300);
        await ExpectEndAsync(host, client);
    }

    private static Task<EngineHost> StartAsync() => EngineHost.StartAsync(async session =>
    {
        session.Assembler = new PacketAssembler(10_000);
        await EchoAsync(session);
    });

    private static async Task EchoAsync(EngineSession session)
    {
        while (await session.ReceiveAsync(CancellationToken.None) is { Kind: not TransportMessageKind.Closed } message)
        {
            if (message.Kind != TransportMessageKind.Control)
            {
                await session.SendAsync(new[] { EncodedPacket.Create(message.Payload.Span, message.Kind == TransportMessageKind.Binary) }, CancellationToken.None);
            }
        }
    }

    private static void Advance(EngineHost host, int milliseconds) => host.Time.Advance(TimeSpan.FromMilliseconds(milliseconds));

    private static async Task PongAsync(EngineClient client)
    {
        (await client.GetAsync()).Body.Should().Be("2");
        (await client.PostAsync("3")).Body.Should().Be("ok");
    }

    private static async Task ExpectEndAsync(EngineHost host, EngineClient client)
    {
        (await host.EndAsync(client.Sid)).Should().Be(nameof(TimeoutException));
        (await client.GetAsync()).Code.Should().Be("400 1");
    }
}

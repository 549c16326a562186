using System.Globalization;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using FluentAssertions;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>A connection's bytes while it goes over from HTTP to WebSocket frames.</summary>
public class TakeOverTests
{
    private const int Events = 40;

    [Theory]
    [InlineData(Wiring.Direct)]
    [InlineData(Wiring.Awaited)]
    [InlineData(Wiring.Piped)]
    [InlineData(Wiring.Tls)]
    public async Task Nothing_is_lost_wherever_handshake_and_frames_are_cut(Wiring wiring)
    {
        await using EventServerHost host = await wiring.StartAsync(io => io.On("echo", (EventSocket _, int n) => n));
        byte[] all = [.. Handshake(), .. Frames(new string('x', 100))];

        await Within.TimeAsync(Task.WhenAll(Enumerable.Range(0, 100).Select(i => TalkAsync(host, all, new Random(i)))), "all answers");

        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "every connection gone");
        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [InlineData(Wiring.Direct)]
    [InlineData(Wiring.Awaited)]
    [InlineData(Wiring.Piped)]
    public async Task More_than_HTTP_takes_at_once_may_come_right_behind_the_handshake(Wiring wiring)
    {
        await using EventServerHost host = await wiring.StartAsync(io => io.On("echo", (EventSocket _, int n) => n));
        using RawHttp http = await RawHttp.ConnectAsync(host.Http);

        Task sending = http.SendAsync([.. Handshake(), .. Frames(new string('x', 100_000))]);

        await ReadAnswersAsync(http);
        await Within.TimeAsync(sending, "the sender");
        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [InlineData(Wiring.Direct)]
    [InlineData(Wiring.Awaited)]
    [InlineData(Wiring.Piped)]
    public async Task A_client_that_is_gone_before_its_handshake_is_answered_leaves_nothing(Wiring wiring)
    {
        await using EventServerHost host = await wiring.StartAsync();
        for (int i = 0; i < 20; i++)
        {
            using RawHttp http = await RawHttp.ConnectAsync(host.Http);
            await http.SendAsync(Handshake());
            if (i % 2 == 0)
            {
                http.Reset();
            }
        }

        await Within.UntilAsync(() => host.Io.ConnectionCount == 0 && host.Io.Root.SocketCount == 0, "every connection gone");
        using RawWebSocket other = await RawWebSocket.ConnectAsync(host);
        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_connection_of_a_WebSocket_learns_that_its_client_has_gone(bool isReset)
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using EventServerHost host = await EventServerHost.StartAsync(
            services: builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(next => connection =>
            {
                connection.ConnectionClosed.Register(closed.SetResult);
                return next(connection);
            }))));
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);
        closed.Task.IsCompleted.Should().BeFalse();

        if (isReset)
        {
            raw.Reset();
        }
        else
        {
            raw.Dispose();
        }

        await Within.TimeAsync(closed.Task, "the end of the connection");
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
    }

    [Fact]
    public async Task Over_a_Unix_domain_socket_it_is_the_same()
    {
        string path = Path.Combine(Path.GetTempPath(), $"ws-{Guid.NewGuid():N}.sock");
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.On("echo", (EventSocket _, int n) => n),
            services: builder => builder.WebHost.ConfigureKestrel(kestrel =>
            {
                kestrel.ListenUnixSocket(path);
            }));
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var invoker = new HttpMessageInvoker(handler);
        using var webSocket = new ClientWebSocket();
        using var timeout = new CancellationTokenSource(Within.Reason);
        await webSocket.ConnectAsync(new Uri("ws://localhost/"), invoker, timeout.Token);
        await using var client = new EventClient(webSocket);
        await client.WelcomedAsync();

        await client.SyncAsync();
        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_settings_of_the_sockets_transport_hold(bool noDelay)
    {
        bool? isSet = null;
        await using EventServerHost host = await EventServerHost.StartAsync(
            services: builder =>
            {
                builder.Services.Configure<SocketTransportOptions>(o => o.NoDelay = noDelay);
                builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(next => connection =>
                {
                    isSet = connection.Features.Get<IConnectionSocketFeature>()!.Socket.NoDelay;
                    return next(connection);
                })));
            });
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);

        isSet.Should().Be(noDelay);
    }

    private static byte[] Handshake() => Encoding.ASCII.GetBytes(
        RawHttp.Get("/", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="));

    private static byte[] Frames(string unused) => [.. Enumerable.Range(0, Events).SelectMany(i =>
        ClientFrame.Text(string.Create(CultureInfo.InvariantCulture, $$"""{"event":"echo","id":{{i}},"data":{{i}},"unused":"{{unused}}"}""")))];

    private static async Task TalkAsync(EventServerHost host, byte[] all, Random random)
    {
        using RawHttp http = await RawHttp.ConnectAsync(host.Http);
        Task sending = Task.Run(async () =>
        {
            for (int sent = 0; sent < all.Length;)
            {
                int count = Math.Min(random.Next(1, random.Next(2, 2_000)), all.Length - sent);
                await http.SendAsync(all[sent..(sent + count)]);
                sent += count;
                await Task.Yield();
            }
        });
        await ReadAnswersAsync(http);
        await sending;
    }

    private static async Task ReadAnswersAsync(RawHttp http)
    {
        (await http.ReadHeadAsync()).Status.Should().Be(101);
        (await ReadFrameAsync(http)).Should().StartWith("""{"connected":"/",""");
        for (int i = 0; i < Events; i++)
        {
            (await ReadFrameAsync(http)).Should().Be(string.Create(CultureInfo.InvariantCulture, $$"""{"ack":{{i}},"data":{{i}}}"""));
        }
    }

    private static async Task<string> ReadFrameAsync(RawHttp http) => Encoding.UTF8.GetString(await http.ReadBytesAsync((await http.ReadBytesAsync(2))[1]));
}

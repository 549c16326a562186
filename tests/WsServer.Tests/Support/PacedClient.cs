using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;

namespace WsServer.Tests.Support;

/// <summary>A client of the framework over any wiring that reads only when the test does.</summary>
internal sealed class PacedClient : IAsyncDisposable
{
    private readonly ClientWebSocket _webSocket = new();
    private readonly HttpMessageInvoker _http;
    private readonly byte[] _buffer = new byte[4 * 1024];

    private PacedClient(int? receiveBuffer) => _http = new HttpMessageInvoker(new SocketsHttpHandler
    {
        UseProxy = false,

        // The least that HTTP/2 allows: what a client that does not read takes in.
        InitialHttp2StreamWindowSize = 65_535,
        SslOptions = { RemoteCertificateValidationCallback = TestCertificate.Accept },
        ConnectCallback = async (context, cancellationToken) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            if (receiveBuffer is { } size)
            {
                socket.ReceiveBufferSize = size;
            }

            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });

    public string Sid { get; private set; } = "";

    /// <summary>Connects, and waits until the socket is in its namespace.</summary>
    /// <param name="host">The server.</param>
    /// <param name="wiring">How to come to it.</param>
    /// <param name="receiveBuffer">How much the system may take in before the program reads.</param>
    public static async Task<PacedClient> ConnectAsync(EventServerHost host, Wiring wiring, int? receiveBuffer = null)
    {
        var client = new PacedClient(receiveBuffer);
        client._webSocket.Options.HttpVersion = wiring == Wiring.Http2 ? HttpVersion.Version20 : HttpVersion.Version11;
        client._webSocket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var timeout = new CancellationTokenSource(Within.Reason);
        await client._webSocket.ConnectAsync(host.Ws(), client._http, timeout.Token);
        client.Sid = (await client.ReadAsync()).GetProperty("sid").GetString()!;
        await Within.UntilAsync(() => host.Io.Root.FindSocket(client.Sid) is not null, "the socket is in its namespace");
        return client;
    }

    /// <summary>Reads the next message.</summary>
    public async Task<JsonElement> ReadAsync()
    {
        using var timeout = new CancellationTokenSource(Within.Reason);
        var message = new MemoryStream();
        ValueWebSocketReceiveResult result;
        do
        {
            result = await _webSocket.ReceiveAsync(_buffer.AsMemory(), timeout.Token);
            message.Write(_buffer, 0, result.Count);
        }
        while (!result.EndOfMessage);
        return result.MessageType == WebSocketMessageType.Text
            ? JsonElement.Parse(message.GetBuffer().AsSpan(0, (int)message.Length))
            : throw new InvalidOperationException($"The server closed with {_webSocket.CloseStatus}, {_webSocket.CloseStatusDescription}.");
    }

    /// <summary>Sends a text, or a part of one.</summary>
    public Task SendAsync(ReadOnlyMemory<byte> text, bool isEnd = true) =>
        _webSocket.SendAsync(text, WebSocketMessageType.Text, isEnd, CancellationToken.None).AsTask();

    public async Task CloseAsync()
    {
        using var timeout = new CancellationTokenSource(Within.Reason);
        await _webSocket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, timeout.Token);
    }

    public ValueTask DisposeAsync()
    {
        _webSocket.Abort();
        _webSocket.Dispose();
        _http.Dispose();
        return ValueTask.CompletedTask;
    }
}

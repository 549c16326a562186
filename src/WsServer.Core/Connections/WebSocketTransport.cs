using System.Buffers;
using System.Net.WebSockets;
using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>
/// Messages as WebSocket frames (RFC 6455). The framework's WebSocket reads, checks and answers control frames;
/// packets leave as the frames they already are, straight to the stream. Where there is no stream (an in-memory test
/// server), the WebSocket sends as well, and there is no heartbeat.
/// </summary>
/// <param name="webSocket">The WebSocket.</param>
/// <param name="maxMessageBytes">The longest message to receive.</param>
/// <param name="abort">Breaks the connection under the WebSocket, with what is still to be sent on it.</param>
internal class WebSocketTransport(WebSocket webSocket, int maxMessageBytes, Action abort) : ITransport
{
    private const int FirstBufferBytes = 4 * 1024;

    private byte[]? _buffer;
    private bool _isSkipping;
    private volatile bool _isAborted;

    public static ITransport Create(WebSocket accepted, UpgradeStream? stream, int maxMessageBytes, Action abort)
    {
        if (stream is null)
        {
            return new WebSocketTransport(accepted, maxMessageBytes, abort);
        }

        // A WebSocket of our own over the same stream: the accepted one breaks the connection at the first bad frame,
        // before the client has read why.
        var options = new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = TimeSpan.Zero };
        return new FramedWebSocketTransport(WebSocket.CreateFromStream(stream, options), stream, maxMessageBytes, abort);
    }

    public async ValueTask<TransportMessage> ReceiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await ReceiveMessageAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _isAborted = true;
            throw;
        }
        catch (WebSocketException exception) when (exception.WebSocketErrorCode == WebSocketError.ConnectionClosedPrematurely)
        {
            // An end without a close frame; with an inner error the connection broke.
            return exception.InnerException is null ? new(TransportMessageKind.Closed) : throw new IOException(exception.Message, exception);
        }
        catch (WebSocketException exception)
        {
            // The WebSocket has already answered with 1002 or 1007.
            throw new InvalidDataException(exception.Message, exception);
        }
    }

    public async ValueTask SendAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
    {
        try
        {
            await SendAllAsync(packets, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _isAborted = true;
            throw;
        }
    }

    protected virtual async ValueTask SendAllAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
    {
        for (int i = 0; i < packets.Length; i++)
        {
            EncodedPacket packet = packets.Span[i];
            WebSocketMessageType type = packet.IsBinary ? WebSocketMessageType.Binary : WebSocketMessageType.Text;
            await webSocket.SendAsync(packet.Payload, type, endOfMessage: true, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask CloseAsync(TransportClose close, CancellationToken cancellationToken)
    {
        switch (webSocket.State)
        {
            case WebSocketState.Open:
                await webSocket.CloseOutputAsync((WebSocketCloseStatus)close.Status, close.Description, cancellationToken).ConfigureAwait(false);
                break;
            case WebSocketState.CloseReceived:
                // RFC 6455, section 5.5.1: the answer to a close echoes its code.
                WebSocketCloseStatus status = webSocket.CloseStatus ?? WebSocketCloseStatus.Empty;
                await webSocket.CloseOutputAsync(status, null, cancellationToken).ConfigureAwait(false);
                break;
            default:
                // Closed already, or the WebSocket has answered a broken frame itself.
                await LingerAsync(cancellationToken).ConfigureAwait(false);
                break;
        }
    }

    /// <summary>Waits until the other side has had the time to read a close that it did not ask for.</summary>
    protected virtual ValueTask LingerAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask DisposeAsync()
    {
        if (_isAborted)
        {
            // The client does not read: without this, the web server would hold the connection until it does.
            abort();
        }

        webSocket.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    private async ValueTask<TransportMessage> ReceiveMessageAsync(CancellationToken cancellationToken)
    {
        // An idle connection holds no buffer: it waits with an empty read, and rents one when something has come.
        Release();
        int length = 0;
        while (true)
        {
            ValueWebSocketReceiveResult result = await webSocket.ReceiveAsync(Free(length), cancellationToken).ConfigureAwait(false);
            if (result.MessageType == WebSocketMessageType.Close)
            {
                Release();
                return new(TransportMessageKind.Closed);
            }

            length += result.Count;
            if (_isSkipping)
            {
                _isSkipping = !result.EndOfMessage;
                length = 0;
            }
            else if (length > maxMessageBytes)
            {
                _isSkipping = !result.EndOfMessage;
                return new(TransportMessageKind.TooLarge);
            }
            else if (result.EndOfMessage)
            {
                TransportMessageKind kind = result.MessageType == WebSocketMessageType.Text ? TransportMessageKind.Text : TransportMessageKind.Binary;
                return new(kind, _buffer.AsMemory(0, length));
            }

            if (_buffer is null)
            {
                _buffer = ArrayPool<byte>.Shared.Rent(FirstBufferBytes);
            }
            else if (length == _buffer.Length)
            {
                Grow();
            }
        }
    }

    // One byte more than may come is enough to see that it is too much.
    private Memory<byte> Free(int length) => _buffer is null ? default : _buffer.AsMemory(length, Math.Min(_buffer.Length, maxMessageBytes + 1) - length);

    private void Grow()
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(_buffer!.Length * 2L, maxMessageBytes + 1L));
        _buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private void Release()
    {
        if (_buffer is { } buffer)
        {
            _buffer = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

/// <summary>A WebSocket whose server side writes frames to the stream itself.</summary>
internal sealed class FramedWebSocketTransport(WebSocket webSocket, UpgradeStream stream, int maxMessageBytes, Action abort)
    : WebSocketTransport(webSocket, maxMessageBytes, abort), IHeartbeatTransport
{
    // RFC 6455, section 5.5.2: final, opcode 9, no payload.
    private static readonly byte[] Ping = [0x89, 0x00];

    public long LastReceived => stream.LastReceived;

    protected override async ValueTask SendAllAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
    {
        if (packets.Length == 1)
        {
            await stream.WriteAsync(packets.Span[0].Frame, cancellationToken).ConfigureAwait(false);
            return;
        }

        // What has gathered leaves in one write.
        int length = 0;
        foreach (EncodedPacket packet in packets.Span)
        {
            length += packet.Length;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(length);
        int written = 0;
        foreach (EncodedPacket packet in packets.Span)
        {
            packet.Frame.CopyTo(buffer.AsMemory(written));
            written += packet.Length;
        }

        await stream.WriteAsync(buffer.AsMemory(0, length), cancellationToken).ConfigureAwait(false);

        // Only after success: an aborted write may still read from it.
        ArrayPool<byte>.Shared.Return(buffer);
    }

    protected override ValueTask LingerAsync(CancellationToken cancellationToken) => stream.DrainAsync(cancellationToken);

    public ValueTask PingAsync(CancellationToken cancellationToken) => stream.WriteAsync(Ping, cancellationToken);
}

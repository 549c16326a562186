using System.Buffers;
using System.Net.WebSockets;
using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>
/// Messages over a WebSocket of the framework, where there are no bytes to be had (an in-memory test server). There is
/// no heartbeat.
/// </summary>
/// <param name="webSocket">The WebSocket.</param>
/// <param name="maxMessageBytes">The longest message to receive.</param>
/// <param name="abort">Breaks the connection under the WebSocket, with what is still to be sent on it.</param>
internal sealed class WebSocketTransport(WebSocket webSocket, int maxMessageBytes, Action abort) : ITransport
{
    private const int FirstBufferBytes = 4 * 1024;

    private byte[]? _buffer;
    private bool _isSkipping;
    private volatile bool _isAborted;

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
            for (int i = 0; i < packets.Length; i++)
            {
                EncodedPacket packet = packets.Span[i];
                WebSocketMessageType type = packet.IsBinary ? WebSocketMessageType.Binary : WebSocketMessageType.Text;
                await webSocket.SendAsync(packet.Payload, type, endOfMessage: true, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            _isAborted = true;
            throw;
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
                break;
        }
    }

    public ValueTask DisposeAsync()
    {
        if (_isAborted)
        {
            // The client does not read: without this, the web server would hold the connection until it does.
            abort();
        }

        webSocket.Dispose();
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

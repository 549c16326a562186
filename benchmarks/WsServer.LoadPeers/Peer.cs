using System.Buffers;
using System.Net.WebSockets;

namespace WsServer.LoadPeers;

/// <summary>
/// One connection. A WebSocket takes one send at a time: what comes meanwhile waits in a queue, and whoever finished
/// the send before goes on with it.
/// </summary>
internal sealed class Peer(WebSocket socket)
{
    private const int BufferSize = 4 * 1024;

    // As much as may wait for a client that does not read; beyond it the connection is broken.
    private const int MaxQueuedBytes = 2 * 1024 * 1024;

    private readonly Lock _gate = new();
    private Queue<ReadOnlyMemory<byte>>? _queue;
    private int _queuedBytes;
    private bool _isSending;

    /// <summary>The rooms it has joined; only its own receive loop touches them.</summary>
    public List<string> Rooms { get; } = [];

    /// <summary>Sends a text message, after those before it. Never waits for the client.</summary>
    public void Send(ReadOnlyMemory<byte> message)
    {
        lock (_gate)
        {
            if (_isSending)
            {
                Enqueue(message);
                return;
            }

            _isSending = true;
        }

        _ = SendAllAsync(message);
    }

    /// <summary>Hands each text message to <paramref name="handle"/> until the client closes.</summary>
    public async Task ReceiveAsync(Action<Peer, ReadOnlySpan<byte>> handle, CancellationToken cancellationToken)
    {
        while (true)
        {
            // Waiting for data needs no buffer; it is rented when there is something to put into it.
            ValueWebSocketReceiveResult result = await socket.ReceiveAsync(Memory<byte>.Empty, cancellationToken);
            byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
            try
            {
                int length = 0;
                while (result.MessageType != WebSocketMessageType.Close && !result.EndOfMessage)
                {
                    if (length == buffer.Length)
                    {
                        buffer = Grow(buffer);
                    }

                    result = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
                    length += result.Count;
                }

                if (result.MessageType == WebSocketMessageType.Close)
                {
                    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);
                    return;
                }

                handle(this, buffer.AsSpan(0, length));
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    private static byte[] Grow(byte[] buffer)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }

    private void Enqueue(ReadOnlyMemory<byte> message)
    {
        _queuedBytes += message.Length;
        if (_queuedBytes > MaxQueuedBytes)
        {
            socket.Abort();
            return;
        }

        _queue ??= new Queue<ReadOnlyMemory<byte>>();
        _queue.Enqueue(message);
    }

    private async Task SendAllAsync(ReadOnlyMemory<byte> message)
    {
        try
        {
            do
            {
                await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
            }
            while (TryDequeue(out message));
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The connection is gone; its receive loop learns of that, too, and takes the peer out.
            socket.Abort();
        }
    }

    private bool TryDequeue(out ReadOnlyMemory<byte> message)
    {
        lock (_gate)
        {
            if (_queue is { Count: > 0 })
            {
                message = _queue.Dequeue();
                _queuedBytes -= message.Length;
                return true;
            }

            _queue = null;
            _isSending = false;
            message = default;
            return false;
        }
    }
}

using System.Threading.Tasks.Sources;
using WsServer.Connections;
using WsServer.Wire;

namespace WsServer.Microbenchmarks;

/// <summary>
/// A client in memory: hands the server messages prepared beforehand and counts what the server sends. Allocates
/// nothing once it is made, so that what a benchmark sees allocated is the server's.
/// </summary>
/// <remarks>One thread at a time delivers. It runs the server's reading itself, as a network's completion would.</remarks>
internal class MemoryTransport(Deliveries deliveries) : ITransport, IValueTaskSource<TransportMessage>
{
    private ManualResetValueTaskSourceCore<TransportMessage> _receive;
    private TransportMessage[] _messages = [];
    private int _next;
    private bool _isReading;
    private volatile bool _isClosed;
    private volatile Task? _held;
    private long _sentBytes;

    /// <summary>Why the server's run of this client ended; set by who starts it.</summary>
    public Task<DisconnectReason> Running { get; set; } = Task.FromResult(DisconnectReason.TransportClose);

    /// <summary>The bytes of the messages that the server has sent.</summary>
    public long SentBytes => Volatile.Read(ref _sentBytes);

    /// <summary>Delivers messages, one right after the other; returns when the server has read them or waits for its handlers.</summary>
    /// <param name="messages">They stay as they are until the next call.</param>
    public void Deliver(TransportMessage[] messages)
    {
        WaitUntilRead();
        if (!TryTakeTurn())
        {
            throw new InvalidOperationException("Two threads deliver at a time, or the client has closed.");
        }

        _messages = messages;
        _next = 1;
        _receive.SetResult(messages[0]);
    }

    /// <summary>Waits until the server has read everything, and waits for more.</summary>
    public void WaitUntilRead()
    {
        Deadline deadline = default;
        while (!Volatile.Read(ref _isReading))
        {
            deadline.Spin("the server reads on");
        }
    }

    /// <summary>The client closes.</summary>
    public void Close()
    {
        _isClosed = true;
        if (TryTakeTurn())
        {
            _receive.SetResult(new TransportMessage(TransportMessageKind.Closed));
        }
    }

    /// <summary>From now on sends wait until this completes: a client that does not read.</summary>
    public void Hold(Task until) => _held = until;

    public ValueTask<TransportMessage> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (_next < _messages.Length)
        {
            return new(_messages[_next++]);
        }

        _receive.Reset();
        var pending = new ValueTask<TransportMessage>(this, _receive.Version);
        Volatile.Write(ref _isReading, true);

        // Once more when it closed just now: nobody else would end this receive.
        if (_isClosed && TryTakeTurn())
        {
            _receive.SetResult(new TransportMessage(TransportMessageKind.Closed));
        }

        return pending;
    }

    public ValueTask SendAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
    {
        if (_held is { IsCompleted: false } held)
        {
            return SendAfterAsync(held, packets, cancellationToken);
        }

        Count(packets.Span);
        return ValueTask.CompletedTask;
    }

    public ValueTask CloseAsync(TransportClose close, CancellationToken cancellationToken)
    {
        Close();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        Close();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    TransportMessage IValueTaskSource<TransportMessage>.GetResult(short token) => _receive.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<TransportMessage>.GetStatus(short token) => _receive.GetStatus(token);

    void IValueTaskSource<TransportMessage>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _receive.OnCompleted(continuation, state, token, flags);

    /// <summary>Sees each message that the server sends; its bytes stay valid no longer than the call.</summary>
    protected virtual void OnSent(ReadOnlySpan<byte> message)
    {
    }

    private async ValueTask SendAfterAsync(Task held, ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
    {
        await held.WaitAsync(cancellationToken);
        Count(packets.Span);
    }

    private void Count(ReadOnlySpan<EncodedPacket> packets)
    {
        long bytes = _sentBytes;
        foreach (EncodedPacket packet in packets)
        {
            ReadOnlySpan<byte> message = packet.Payload.Span;
            bytes += message.Length;
            OnSent(message);
        }

        Volatile.Write(ref _sentBytes, bytes);
        deliveries.Add(packets.Length);
    }

    private bool TryTakeTurn() => Interlocked.Exchange(ref _isReading, false);
}

using System.Text;
using System.Threading.Channels;
using WsServer.Connections;
using WsServer.Wire;

namespace WsServer.Tests.Support;

/// <summary>A transport in memory. The server holds it as <see cref="ITransport"/>; the test drives the other end.</summary>
internal class TransportPair : ITransport
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly Channel<(TransportMessage Message, Exception? Fault)> _toServer = Channel.CreateUnbounded<(TransportMessage, Exception?)>();
    private readonly Channel<EncodedPacket> _toClient = Channel.CreateUnbounded<EncodedPacket>();
    private readonly TaskCompletionSource<TransportClose> _goodbye = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private TaskCompletionSource? _stalled;
    private long _sentBytes;
    private int _sentPackets;
    private int _sendCalls;
    private int _receiveCalls;

    /// <summary>Whether the client answers the server's goodbye with its own.</summary>
    public bool AnswersGoodbye { get; init; } = true;

    /// <summary>What a send, a close or the disposal throws, if anything.</summary>
    public Exception? SendFault { get; set; }

    public Exception? CloseFault { get; set; }

    public Exception? DisposeFault { get; set; }

    /// <summary>Why the server's run of this client ended; set by who starts it.</summary>
    public Task<DisconnectReason> Running { get; set; } = Task.FromResult(DisconnectReason.TransportClose);

    /// <summary>How many bytes of frames the server has handed over, also those that the client has not read yet.</summary>
    public long SentBytes => Interlocked.Read(ref _sentBytes);

    public int SentPackets => Volatile.Read(ref _sentPackets);

    public int SendCalls => Volatile.Read(ref _sendCalls);

    /// <summary>How often the server has asked for a message: one more than it has taken up, while it waits for the next.</summary>
    public int ReceiveCalls => Volatile.Read(ref _receiveCalls);

    /// <summary>How the server said goodbye.</summary>
    public Task<TransportClose> Goodbye => _goodbye.Task.WaitAsync(Patience);

    public bool IsGoodbyeSaid => _goodbye.Task.IsCompleted;

    public Task Disposed => _disposed.Task.WaitAsync(Patience);

    public bool IsDisposed => _disposed.Task.IsCompleted;

    /// <summary>Waits for a condition that nothing announces.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition())
        {
            if (patience.IsCancellationRequested)
            {
                throw new TimeoutException($"It did not come about that {what}.");
            }

            await Task.Delay(2, CancellationToken.None);
        }
    }

    public void Send(string text) => Deliver(new(TransportMessageKind.Text, Encoding.UTF8.GetBytes(text)));

    public void SendBinary(byte[] message) => Deliver(new(TransportMessageKind.Binary, message));

    public void SendTooLarge() => Deliver(new(TransportMessageKind.TooLarge));

    public virtual void Close() => Deliver(new(TransportMessageKind.Closed));

    public void Fail(Exception fault) => _toServer.Writer.TryWrite((default, fault));

    /// <summary>From now on the server's sends hang, but for one that is under way.</summary>
    public void StopReading()
    {
        lock (_gate)
        {
            _stalled ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void GoOnReading()
    {
        lock (_gate)
        {
            _stalled?.TrySetResult();
            _stalled = null;
        }
    }

    /// <summary>The next message the server sent.</summary>
    public async Task<EncodedPacket> ReceivePacketAsync() => await _toClient.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public async Task<string> ReceiveTextAsync() => Encoding.UTF8.GetString((await ReceivePacketAsync()).Payload.Span);

    /// <summary>What the server has sent up to now and nobody has received.</summary>
    public List<string> Drain()
    {
        var all = new List<string>();
        while (_toClient.Reader.TryRead(out EncodedPacket? packet))
        {
            all.Add(Encoding.UTF8.GetString(packet.Payload.Span));
        }

        return all;
    }

    async ValueTask<TransportMessage> ITransport.ReceiveAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _receiveCalls);
        (TransportMessage message, Exception? fault) = await _toServer.Reader.ReadAsync(cancellationToken);
        return fault is null ? message : throw fault;
    }

    public async ValueTask SendAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _sendCalls);
        if (SendFault is { } fault)
        {
            throw fault;
        }

        Task? stalled;
        lock (_gate)
        {
            stalled = _stalled?.Task;
        }

        if (stalled is not null)
        {
            await stalled.WaitAsync(cancellationToken);
        }

        for (int i = 0; i < packets.Length; i++)
        {
            Interlocked.Add(ref _sentBytes, packets.Span[i].Length);
            Interlocked.Increment(ref _sentPackets);

            // A copy: the server fills a packet with something else once it is sent.
            _toClient.Writer.TryWrite(EncodedPacket.Create(packets.Span[i].Payload.Span, packets.Span[i].IsBinary));
        }
    }

    public ValueTask CloseAsync(TransportClose close, CancellationToken cancellationToken)
    {
        if (CloseFault is { } fault)
        {
            throw fault;
        }

        _goodbye.TrySetResult(close);
        if (AnswersGoodbye)
        {
            Close();
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _disposed.TrySetResult();
        _toClient.Writer.TryComplete();
        _toServer.Writer.TryComplete(new IOException("The transport is disposed."));
        GC.SuppressFinalize(this);
        return DisposeFault is { } fault ? throw fault : ValueTask.CompletedTask;
    }

    protected virtual void Deliver(TransportMessage message) => _toServer.Writer.TryWrite((message, null));
}

/// <summary>The same with pings.</summary>
internal sealed class HeartbeatTransportPair(TimeProvider time) : TransportPair, IHeartbeatTransport
{
    private long _lastReceived = time.GetTimestamp();
    private int _pings;

    /// <summary>What a ping throws, if anything.</summary>
    public Exception? PingFault { get; set; }

    public int Pings => Volatile.Read(ref _pings);

    public long LastReceived => Interlocked.Read(ref _lastReceived);

    /// <summary>A pong, or anything else that shows life.</summary>
    public void Pong() => Interlocked.Exchange(ref _lastReceived, time.GetTimestamp());

    public ValueTask PingAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _pings);
        return PingFault is { } fault ? throw fault : ValueTask.CompletedTask;
    }

    protected override void Deliver(TransportMessage message)
    {
        Pong();
        base.Deliver(message);
    }
}

using System.Text;
using System.Threading.Channels;
using System.Threading.Tasks.Sources;
using WsServer.Connections;
using WsServer.Wire;

namespace WsServer.Tests.Support;

/// <summary>A transport whose sends end when the test says so, one by one: a client that reads one batch at a time.</summary>
internal sealed class SteppedTransport : ITransport, IValueTaskSource
{
    private readonly Channel<string[]> _batches = Channel.CreateUnbounded<string[]>();
    private readonly TaskCompletionSource<TransportClose> _goodbye = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<TransportMessage> _receiving = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ManualResetValueTaskSourceCore<bool> _sending;
    private string[]? _batch;

    /// <summary>How the server said goodbye.</summary>
    public Task<TransportClose> Goodbye => _goodbye.Task.WaitAsync(TransportPair.Patience);

    /// <summary>The next batch that is being sent, as soon as the writer waits for the end of that.</summary>
    public async Task<string[]> NextAsync() => await _batches.Reader.ReadAsync().AsTask().WaitAsync(TransportPair.Patience);

    /// <summary>The batch that is being sent, if there is one that was not asked for before.</summary>
    public bool TryNext(out string[]? batch) => _batches.Reader.TryRead(out batch);

    /// <summary>The send that is under way ends; what the writer does at once has happened when this returns.</summary>
    public void EndSend()
    {
        if (Interlocked.Exchange(ref _batch, null) is null)
        {
            throw new InvalidOperationException("Nothing is being sent.");
        }

        _sending.SetResult(true);
    }

    /// <summary>Reads one batch.</summary>
    public async Task<string[]> ReadAsync()
    {
        string[] batch = await NextAsync();
        EndSend();
        return batch;
    }

    /// <summary>The connection breaks.</summary>
    public void Cut() => _receiving.TrySetException(new IOException("Cut."));

    public ValueTask SendAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
    {
        string[] batch = [.. packets.ToArray().Select(p => Encoding.UTF8.GetString(p.Payload.Span))];
        if (Interlocked.Exchange(ref _batch, batch) is not null)
        {
            throw new InvalidOperationException("Two send at a time.");
        }

        _sending.Reset();
        return new(this, _sending.Version);
    }

    public ValueTask<TransportMessage> ReceiveAsync(CancellationToken cancellationToken) =>
        new(_receiving.Task.WaitAsync(cancellationToken));

    public ValueTask CloseAsync(TransportClose close, CancellationToken cancellationToken)
    {
        _goodbye.TrySetResult(close);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    void IValueTaskSource.GetResult(short token) => _sending.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _sending.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        _sending.OnCompleted(continuation, state, token, flags);
        _batches.Writer.TryWrite(_batch!);
    }
}

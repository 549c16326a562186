using System.Buffers;
using System.IO.Pipelines;
using WsServer.Connections;

namespace WsServer.Hosting;

/// <summary>
/// What Kestrel reads of a connection: a pipe that is filled from the socket in the background, since a request has to
/// learn that its client has gone even while it does not read. Its readers go on with a thread of the pool, never on
/// the stack of who fills it: one that computes for long there would keep it from learning of that.
/// </summary>
/// <remarks>After an upgrade the socket may be taken from it. Then it is empty and over, and holds no memory.</remarks>
internal sealed class HttpPipeReader : PipeReader
{
    // As much as is worth a call of the operating system.
    private const int LeastRoom = 2 * 1024;

    // Who sends without end finds something there each time, but the thread is others' as well.
    private const int MaxReadsAtOnce = 16;

    private readonly SocketInput _socket;
    private Pipe? _pipe;

    public HttpPipeReader(SocketInput socket, PipeOptions options)
    {
        _socket = socket;
        _pipe = new Pipe(options);
    }

    /// <summary>Completes when nothing is read from the socket for this any more.</summary>
    public Task Filling { get; private set; } = Task.CompletedTask;

    public static PipeOptions CreateOptions(MemoryPool<byte> memory, long maxBytes) =>
        new(memory, PipeScheduler.ThreadPool, PipeScheduler.Inline, maxBytes, maxBytes / 2, useSynchronizationContext: false);

    /// <summary>Begins to read from the socket.</summary>
    public void Start() => Filling = FillAsync(_pipe!.Writer);

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => _pipe?.Reader.ReadAsync(cancellationToken) ?? new(Nothing);

    public override bool TryRead(out ReadResult result)
    {
        if (_pipe is { } pipe)
        {
            return pipe.Reader.TryRead(out result);
        }

        result = Nothing;
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => _pipe?.Reader.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => _pipe?.Reader.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => _pipe?.Reader.CancelPendingRead();

    public override void Complete(Exception? exception = null) => _pipe?.Reader.Complete(exception);

    /// <summary>Leaves the socket to another reader.</summary>
    /// <returns>What was read from it and nobody has taken, in a buffer of the shared pool; without an array when that is nothing.</returns>
    public async ValueTask<ArraySegment<byte>> LetGoAsync()
    {
        Pipe pipe = _pipe ?? throw new InvalidOperationException("The socket has been let go before.");

        // It waits for the socket, or for room, or has ended by itself.
        pipe.Writer.CancelPendingFlush();
        _socket.Cancel();
        await Filling.ConfigureAwait(false);
        _socket.ForgetCancel();
        _pipe = null;
        Filling = Task.CompletedTask;
        try
        {
            return TakeLeft(pipe.Reader);
        }
        finally
        {
            await pipe.Writer.CompleteAsync().ConfigureAwait(false);
            await pipe.Reader.CompleteAsync().ConfigureAwait(false);
        }
    }

    private static ReadResult Nothing => new(ReadOnlySequence<byte>.Empty, isCanceled: false, isCompleted: true);

    private static ArraySegment<byte> TakeLeft(PipeReader reader)
    {
        if (!reader.TryRead(out ReadResult read) || read.Buffer.IsEmpty)
        {
            return default;
        }

        int length = (int)read.Buffer.Length;
        byte[] left = ArrayPool<byte>.Shared.Rent(length);
        read.Buffer.CopyTo(left);
        reader.AdvanceTo(read.Buffer.End);
        return new(left, 0, length);
    }

    private async Task FillAsync(PipeWriter writer)
    {
        int readsAtOnce = 0;
        try
        {
            while (true)
            {
                ValueTask<bool> waiting = _socket.WaitAsync();
                readsAtOnce = waiting.IsCompleted ? readsAtOnce + 1 : 0;
                if (readsAtOnce == MaxReadsAtOnce)
                {
                    readsAtOnce = 0;
                    await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                }

                if (!await waiting.ConfigureAwait(false))
                {
                    return;
                }

                int received = _socket.Receive(writer.GetSpan(LeastRoom));
                if (received == SocketInput.Nothing)
                {
                    continue;
                }

                writer.Advance(received);
                FlushResult flushed = await writer.FlushAsync(CancellationToken.None).ConfigureAwait(false);
                if (flushed.IsCanceled)
                {
                    // The socket is another's.
                    return;
                }

                if (received == 0 || flushed.IsCompleted)
                {
                    await writer.CompleteAsync().ConfigureAwait(false);
                    return;
                }
            }
        }
        catch (Exception exception)
        {
            // Whoever reads learns of it.
            await writer.CompleteAsync(exception).ConfigureAwait(false);
        }
    }
}

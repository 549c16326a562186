using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace WsServer.Hosting;

/// <summary>
/// A pipe's reading side whose reader goes on with a thread of the pool, and never on the stack of who brings the bytes.
/// That one is the connection's receive loop: an endpoint that computes or writes for long on its stack would keep it
/// from learning that the client has gone.
/// </summary>
internal sealed class PoolPipeReader(PipeReader inner) : PipeReader
{
    /// <summary>The pipe itself.</summary>
    public PipeReader Inner => inner;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ValueTask<ReadResult> read = inner.ReadAsync(cancellationToken);
        return read.IsCompleted ? read : HopAsync(read);
    }

    public override bool TryRead(out ReadResult result) => inner.TryRead(out result);

    public override void AdvanceTo(SequencePosition consumed) => inner.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<ReadResult> HopAsync(ValueTask<ReadResult> read)
    {
        ReadResult result = await read.ConfigureAwait(false);
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return result;
    }
}

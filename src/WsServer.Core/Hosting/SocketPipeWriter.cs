using System.Buffers;
using System.IO.Pipelines;
using WsServer.Connections;

namespace WsServer.Hosting;

/// <summary>
/// What Kestrel writes to a connection, sent on the thread that writes it. Bytes gather until a flush, or until there
/// is a good piece of them; the buffer is there while something is being written only.
/// </summary>
/// <remarks>
/// As with Kestrel's own pipe, what comes after the end of the connection is taken, to nowhere: the reading side learns
/// of the end and says why. A flush completes when the operating system has everything, which is the back-pressure.
/// </remarks>
internal sealed class SocketPipeWriter(SocketOutput socket) : PipeWriter
{
    private const int PieceBytes = 16 * 1024;

    private byte[]? _buffer;
    private int _start;
    private int _length;
    private CancellationTokenSource? _flushing;
    private bool _isBroken;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _length;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        MakeRoom(Math.Max(sizeHint, 1));
        return _buffer.AsMemory(_start + _length);
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, (_buffer?.Length ?? 0) - _start - _length);
        _length += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        TryWriteOut();
        return _length == 0 ? new(new FlushResult(isCanceled: false, isCompleted: _isBroken)) : FlushRestAsync(cancellationToken);
    }

    public override void CancelPendingFlush() => Volatile.Read(ref _flushing)?.Cancel();

    public override void Complete(Exception? exception = null)
    {
        if (exception is null)
        {
            TryWriteOut();
        }

        _length = 0;
        ReturnBuffer();
    }

    public override async ValueTask CompleteAsync(Exception? exception = null)
    {
        if (exception is null)
        {
            await FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }

        Complete(exception);
    }

    private void MakeRoom(int bytes)
    {
        if (_length >= PieceBytes)
        {
            TryWriteOut();
        }

        if (_buffer is null)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(PieceBytes, bytes));
        }
        else if (_buffer.Length - _start - _length < bytes)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_length * 2, _length + bytes));
            _buffer.AsSpan(_start, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
            _start = 0;
        }
    }

    private void TryWriteOut()
    {
        if (_length == 0)
        {
            return;
        }

        try
        {
            Drop(_isBroken ? _length : socket.TryWrite(_buffer.AsSpan(_start, _length)));
        }
        catch (IOException)
        {
            _isBroken = true;
            Drop(_length);
        }
    }

    private async ValueTask<FlushResult> FlushRestAsync(CancellationToken cancellationToken)
    {
        using var flushing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Volatile.Write(ref _flushing, flushing);
        try
        {
            while (_length > 0)
            {
                Drop(await socket.WriteSomeAsync(_buffer.AsMemory(_start, _length), flushing.Token).ConfigureAwait(false));
            }
        }
        catch (IOException)
        {
            _isBroken = true;
            Drop(_length);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new FlushResult(isCanceled: true, isCompleted: false);
        }
        finally
        {
            Volatile.Write(ref _flushing, null);
        }

        return new FlushResult(isCanceled: false, isCompleted: _isBroken);
    }

    // The first bytes have left, or never will.
    private void Drop(int bytes)
    {
        _start += bytes;
        _length -= bytes;
        if (_length == 0)
        {
            ReturnBuffer();
        }
    }

    private void ReturnBuffer()
    {
        _start = 0;
        if (_buffer is { } buffer)
        {
            _buffer = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using WsServer.Connections;

namespace WsServer.Hosting;

/// <summary>
/// Reads a socket where its bytes come, after HTTP has let go of it. There is one buffer, and it is there while
/// something lies in it: a connection that waits holds none.
/// </summary>
/// <param name="socket">The socket.</param>
/// <param name="before">What has read the socket up to now, and goes on until this one is first read from.</param>
internal sealed class SocketPipeReader(SocketInput socket, HttpPipeReader before) : PipeReader, IValueTaskSource<ReadResult>
{
    // Twice what a frame reader holds first, so that the two do not take turns with one buffer of the pool's.
    private const int BufferBytes = 8 * 1024;
    private const int LargeBufferBytes = 64 * 1024;

    // Less room than this is not worth a call of the operating system.
    private const int LeastRoom = 512;

    private HttpPipeReader? _before = before;
    private byte[]? _buffer;
    private int _start;
    private int _end;
    private bool _hasUnseen;
    private bool _isMuch;
    private bool _isOver;
    private volatile bool _isCancelledEarly;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (_before is not null || cancellationToken.CanBeCanceled)
        {
            return ReadSlowlyAsync(cancellationToken);
        }

        return Read();
    }

    public override bool TryRead(out ReadResult result)
    {
        result = Result();
        return _hasUnseen;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_buffer is null)
        {
            return;
        }

        _start = consumed.GetInteger();
        _hasUnseen = examined.GetInteger() < _end;
        if (_start == _end)
        {
            ReturnBuffer();
        }
    }

    public override void CancelPendingRead()
    {
        if (Volatile.Read(ref _before) is not null)
        {
            // HTTP's reader waits still. Whoever takes the socket over looks here afterwards.
            _isCancelledEarly = true;
            Interlocked.MemoryBarrier();
            if (Volatile.Read(ref _before) is not null)
            {
                return;
            }
        }

        socket.Cancel();
    }

    public override void Complete(Exception? exception = null) => ReturnBuffer();

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token) => Take(socket.GetResult(token));

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => socket.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        socket.OnCompleted(continuation, state, token, flags);

    private ValueTask<ReadResult> Read()
    {
        if (_hasUnseen)
        {
            return new(Result());
        }

        ValueTask<bool> waiting = socket.WaitAsync();
        return waiting.IsCompleted ? new(Take(waiting.Result)) : new(this, socket.Version);
    }

    // The first read, and those that can be cancelled by a token, which are the last.
    private async ValueTask<ReadResult> ReadSlowlyAsync(CancellationToken cancellationToken)
    {
        if (_before is { } before)
        {
            try
            {
                ArraySegment<byte> left = await before.LetGoAsync().ConfigureAwait(false);
                (_buffer, _start, _end, _hasUnseen) = (left.Array, left.Offset, left.Offset + left.Count, left.Count > 0);
            }
            finally
            {
                Volatile.Write(ref _before, null);
                Interlocked.MemoryBarrier();
            }

            if (_isCancelledEarly)
            {
                return Result(isCanceled: true);
            }
        }

        using CancellationTokenRegistration cancelling = cancellationToken.UnsafeRegister(static reader => ((PipeReader)reader!).CancelPendingRead(), this);
        ReadResult result = await Read().ConfigureAwait(false);
        if (result.IsCanceled)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }

        return result;
    }

    // The wait is over: what has come is received on the thread that goes on with it.
    private ReadResult Take(bool isThere)
    {
        if (!isThere)
        {
            return Result(isCanceled: true);
        }

        MakeRoom();
        int received = SocketInput.Nothing;
        try
        {
            received = socket.Receive(_buffer.AsSpan(_end));
        }
        finally
        {
            _isOver = received == 0;
            _isMuch = received == _buffer!.Length - _end;
            _end += Math.Max(received, 0);
            if (_start == _end)
            {
                ReturnBuffer();
            }
        }

        return Result();
    }

    private ReadResult Result(bool isCanceled = false) =>
        new(_buffer is null ? ReadOnlySequence<byte>.Empty : new(_buffer, _start, _end - _start), isCanceled, _isOver);

    private void MakeRoom()
    {
        if (_buffer is { } full && full.Length - _end < LeastRoom)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(Math.Max((_end - _start) * 2, BufferBytes));
            full.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
            ArrayPool<byte>.Shared.Return(full);
        }

        // Who sends much, as the receive before has shown, is read in larger pieces.
        _buffer ??= ArrayPool<byte>.Shared.Rent(_isMuch ? LargeBufferBytes : BufferBytes);
    }

    private void ReturnBuffer()
    {
        _start = 0;
        _end = 0;
        _hasUnseen = false;
        if (_buffer is { } buffer)
        {
            _buffer = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

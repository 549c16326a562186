using System.IO.Pipelines;
using WsServer.Connections;

namespace WsServer.Hosting;

/// <summary>
/// The framework's pipe writer over a socket, made when something is written and let go when the connection is taken
/// over: an idle WebSocket holds none.
/// </summary>
internal sealed class SocketPipeWriter(SocketOutput socket) : PipeWriter
{
    // Responses leave in pieces of at least this size. Rented while something is being written only.
    private const int PieceBytes = 16 * 1024;

    private PipeWriter? _writer;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _writer?.UnflushedBytes ?? 0;

    private PipeWriter Writer => _writer ??= Create(new SocketStream(socket), new StreamPipeWriterOptions(minimumBufferSize: PieceBytes, leaveOpen: true));

    public SocketOutput TakeOver()
    {
        _writer?.Complete();
        _writer = null;
        return socket;
    }

    public override Memory<byte> GetMemory(int sizeHint = 0) => Writer.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => Writer.GetSpan(sizeHint);

    public override void Advance(int bytes) => Writer.Advance(bytes);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => Writer.FlushAsync(cancellationToken);

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
        Writer.WriteAsync(source, cancellationToken);

    public override void CancelPendingFlush() => _writer?.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => _writer?.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => _writer?.CompleteAsync(exception) ?? ValueTask.CompletedTask;

    /// <summary>Writes to the socket. Like Kestrel's own pipe it takes what comes after the end of the connection, to nowhere.</summary>
    private sealed class SocketStream(SocketOutput output) : Stream
    {
        private bool _isBroken;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_isBroken)
            {
                return ValueTask.CompletedTask;
            }

            try
            {
                int written = output.TryWrite(buffer.Span);
                return written == buffer.Length ? ValueTask.CompletedTask : WriteRestAsync(buffer[written..], cancellationToken);
            }
            catch (IOException)
            {
                // The reading side of the connection learns of it too, and ends the connection with the reason.
                _isBroken = true;
                return ValueTask.CompletedTask;
            }
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override void Flush()
        {
            // Nothing is held back.
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        private async ValueTask WriteRestAsync(ReadOnlyMemory<byte> rest, CancellationToken cancellationToken)
        {
            try
            {
                await output.WriteAsync(rest, cancellationToken).ConfigureAwait(false);
            }
            catch (IOException)
            {
                _isBroken = true;
            }
        }
    }
}

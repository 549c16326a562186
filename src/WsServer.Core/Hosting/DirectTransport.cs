using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using WsServer.Connections;

namespace WsServer.Hosting;

/// <summary>
/// The two pipes of a connection of Kestrel's sockets transport, the output replaced by one that writes to the socket
/// on the writer's own thread. Everything of the connection leaves by it, the handshake's answer and TLS records
/// included, so nothing can overtake anything.
/// </summary>
internal sealed class DirectTransport : IDuplexPipe
{
    // Kestrel's responses leave in pieces of at least this size. Rented while something is being written only.
    private const int PieceBytes = 16 * 1024;

    private DirectTransport(PipeReader input, SocketOutput socket)
    {
        Input = input;
        Socket = socket;
        Output = PipeWriter.Create(new SocketStream(socket), new StreamPipeWriterOptions(minimumBufferSize: PieceBytes, leaveOpen: true));
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    /// <summary>Where the output's bytes leave.</summary>
    public SocketOutput Socket { get; }

    /// <summary>Puts itself in the place of a connection's transport; without a socket to write to, it does nothing.</summary>
    public static void Install(ConnectionContext connection)
    {
        if (connection.Features.Get<IConnectionSocketFeature>()?.Socket is not { } socket)
        {
            return;
        }

        socket.Blocking = false;
        connection.Transport = new DirectTransport(connection.Transport.Input, new SocketOutput(socket));
    }

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

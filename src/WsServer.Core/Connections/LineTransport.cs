using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>
/// Messages as lines of UTF-8 over a TCP or Unix domain socket, so that <c>nc</c> can take part. Give it to
/// <see cref="EventServer.RunAsync"/>. Lines end with LF or CRLF; there is no binary, and no heartbeat. Also the model
/// for a transport of your own: it uses what is public only.
/// </summary>
/// <param name="socket">A connected socket, which the transport disposes.</param>
/// <param name="maxLineBytes">The longest line to receive, in bytes. A longer one closes the connection with <c>too_large</c>.</param>
public sealed class LineTransport(Socket socket, int maxLineBytes = 64 * 1024) : ITransport
{
    private readonly NetworkStream _stream = new(socket, ownsSocket: true);
    private PipeReader? _reader;

    /// <inheritdoc />
    public async ValueTask<TransportMessage> ReceiveAsync(CancellationToken cancellationToken)
    {
        _reader ??= PipeReader.Create(_stream);
        ReadResult read = await _reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        SequencePosition? end;
        while ((end = read.Buffer.PositionOf((byte)'\n')) is null && read.Buffer.Length <= maxLineBytes && !read.IsCompleted)
        {
            _reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            read = await _reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }

        ReadOnlySequence<byte> line = read.Buffer.Slice(0, end ?? read.Buffer.End);
        TransportMessage message = line.Length > maxLineBytes ? new(TransportMessageKind.TooLarge)
            : end is null ? new(TransportMessageKind.Closed)
            : new(TransportMessageKind.Text, line.ToArray());
        _reader.AdvanceTo(end is null ? read.Buffer.End : read.Buffer.GetPosition(1, end.Value));
        return message;
    }

    /// <inheritdoc />
    public async ValueTask SendAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
    {
        for (int i = 0; i < packets.Length; i++)
        {
            // JSON has line breaks only as white space. What is relayed as it came may have some; here they would end the line.
            byte[] line = [.. packets.Span[i].Payload.Span, (byte)'\n'];
            line.AsSpan(..^1).Replace((byte)'\n', (byte)' ');
            await _stream.WriteAsync(line, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public ValueTask CloseAsync(TransportClose close, CancellationToken cancellationToken)
    {
        // The reason was the last line. What the client still sends is read until it has closed too.
        socket.Shutdown(SocketShutdown.Send);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}

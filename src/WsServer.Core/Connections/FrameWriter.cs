using System.Buffers;
using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>
/// Writes frames, whole and one after the other, whoever they are from: the outbox, the heartbeat, or the reader with a
/// pong or a close. What the output takes at once leaves on the caller's thread.
/// </summary>
internal sealed class FrameWriter(IByteOutput output) : IPrefetched
{
    // Packets that are longer together are written one after the other, not copied into one piece.
    private const int JoinedBytes = 128 * 1024;

    private WriteGate _gate;
    private bool _isClosed;

    /// <summary>Whether a frame was cut off, so that nothing can follow.</summary>
    public bool IsCut { get; private set; }

    public void Prefetch(int link)
    {
        if (link == 0)
        {
            WsServer.Prefetch.Object(output);
        }
        else if (output is IPrefetched chain)
        {
            chain.Prefetch(link - 1);
        }
    }

    /// <summary>Writes packets; completes when they are not read any more.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
    {
        if (packets.Length == 1)
        {
            ReadOnlyMemory<byte> frame = packets.Span[0].Frame;
            int written = TryWrite(frame.Span);
            return written == frame.Length ? ValueTask.CompletedTask
                : written < 0 ? WriteAsync(frame, cancellationToken)
                : WriteRestAsync(frame[written..], cancellationToken);
        }

        int length = 0;
        foreach (EncodedPacket packet in packets.Span)
        {
            length += packet.Length;
        }

        return length <= JoinedBytes ? SendJoined(packets.Span, cancellationToken) : SendEachAsync(packets, cancellationToken);
    }

    private ValueTask SendJoined(ReadOnlySpan<EncodedPacket> packets, CancellationToken cancellationToken)
    {
        ReadOnlySpan<byte> bytes = FrameBatch.Join(packets);
        int written = TryWrite(bytes);
        if (written == bytes.Length)
        {
            return ValueTask.CompletedTask;
        }

        // The piece is the thread's own: what waits needs a copy.
        ReadOnlySpan<byte> rest = bytes[Math.Max(written, 0)..];
        byte[] copy = ArrayPool<byte>.Shared.Rent(rest.Length);
        rest.CopyTo(copy);
        return WriteCopyAsync(copy, rest.Length, isEntered: written >= 0, cancellationToken);
    }

    private async ValueTask SendEachAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
    {
        for (int i = 0; i < packets.Length; i++)
        {
            await SendAsync(packets.Slice(i, 1), cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask WriteCopyAsync(byte[] copy, int length, bool isEntered, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> bytes = copy.AsMemory(0, length);
        if (isEntered)
        {
            await WriteRestAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        }

        // Only after success: an aborted write may still read from it.
        ArrayPool<byte>.Shared.Return(copy);
    }

    /// <summary>Writes one whole frame.</summary>
    /// <param name="bytes">The frame.</param>
    /// <param name="cancellationToken">Breaks off; see <see cref="IsCut"/>.</param>
    /// <param name="isClose">Whether it is the close, after which nothing is written.</param>
    /// <exception cref="IOException">The connection broke.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken, bool isClose = false)
    {
        int written = TryWrite(bytes.Span, isClose);
        if (written < 0)
        {
            await _gate.EnterAsync(cancellationToken).ConfigureAwait(false);
            written = WriteEntered(bytes.Span, isClose);
        }

        if (written < bytes.Length)
        {
            await WriteRestAsync(bytes[written..], cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Writes at once what can be, without waiting. A negative result: another writes. Less than all: the rest is for <see cref="WriteRestAsync"/>, which must follow.</summary>
    private int TryWrite(ReadOnlySpan<byte> bytes, bool isClose = false) =>
        _gate.TryEnter() ? WriteEntered(bytes, isClose) : -1;

    private int WriteEntered(ReadOnlySpan<byte> bytes, bool isClose)
    {
        bool isDone = true;
        try
        {
            if (IsCut)
            {
                throw new IOException("A frame before this one was cut off.");
            }

            if (_isClosed)
            {
                // RFC 6455, section 5.5.1: nothing follows the close.
                return bytes.Length;
            }

            _isClosed = isClose;
            int written = output.TryWrite(bytes);
            isDone = written == bytes.Length;
            return written;
        }
        finally
        {
            if (isDone)
            {
                _gate.Leave();
            }
        }
    }

    private async ValueTask WriteRestAsync(ReadOnlyMemory<byte> rest, CancellationToken cancellationToken)
    {
        bool isDone = false;
        try
        {
            await output.WriteAsync(rest, cancellationToken).ConfigureAwait(false);
            isDone = true;
        }
        finally
        {
            IsCut = !isDone;
            _gate.Leave();
        }
    }
}

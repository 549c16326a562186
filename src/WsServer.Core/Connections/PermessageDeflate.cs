using System.Buffers;
using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>
/// What a connection has agreed on about compression (RFC 7692). Neither side refers to earlier messages ("no context
/// takeover"): a broadcast is compressed once for all its receivers, and a connection keeps no window between messages.
/// </summary>
/// <param name="options">Which messages to compress.</param>
/// <param name="windowBits">The client's window has 2 to the power of this many bytes.</param>
internal sealed class PermessageDeflate(CompressionOptions options, int windowBits)
{
    /// <summary>The largest window there is, and the one that the framework compresses with.</summary>
    public const int MaxWindowBits = 15;

    public const int MinWindowBits = 8;

    /// <summary>The form in which the client gets a packet; held by the packet.</summary>
    public EncodedPacket FormOf(EncodedPacket packet)
    {
        int length = packet.Payload.Length;

        // No distance within a message is longer than the message: one that fits a smaller window needs no larger one.
        bool isFit = windowBits == MaxWindowBits || length <= 1 << windowBits;
        return isFit && length > 0 && length >= options.MinimumBytes ? packet.Deflate(options.Level) : packet;
    }

    /// <summary>Sends packets in the form in which the client gets them.</summary>
    public ValueTask SendAsync(FrameWriter writer, ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
    {
        if (packets.Length == 1)
        {
            return writer.SendAsync(FormOf(packets.Span[0]).Alone, cancellationToken);
        }

        EncodedPacket[] forms = ArrayPool<EncodedPacket>.Shared.Rent(packets.Length);
        for (int i = 0; i < packets.Length; i++)
        {
            forms[i] = FormOf(packets.Span[i]);
        }

        ValueTask sending = writer.SendAsync(forms.AsMemory(0, packets.Length), cancellationToken);
        if (!sending.IsCompletedSuccessfully)
        {
            return AwaitAsync(sending, forms);
        }

        ArrayPool<EncodedPacket>.Shared.Return(forms, clearArray: true);
        return ValueTask.CompletedTask;
    }

    private static async ValueTask AwaitAsync(ValueTask sending, EncodedPacket[] forms)
    {
        await sending.ConfigureAwait(false);
        ArrayPool<EncodedPacket>.Shared.Return(forms, clearArray: true);
    }
}

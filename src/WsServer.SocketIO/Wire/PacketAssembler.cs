using System.Buffers;
using WsServer.Connections;

namespace WsServer.SocketIO.Wire;

/// <summary>
/// Makes whole packets of one connection's messages. A packet with attachments arrives as a text that announces them,
/// and one binary message for each; it leaves as one binary message for <see cref="SocketIOCodec"/>.
/// </summary>
/// <param name="maxBytes">The most bytes that a packet may have with its attachments.</param>
/// <remarks>For one reader at a time.</remarks>
internal sealed class PacketAssembler(int maxBytes)
{
    private ArrayBufferWriter<byte>? _packet;
    private int _missing;

    /// <summary>Takes the next message; false when more must come before there is a whole packet.</summary>
    /// <param name="message">The message, whose memory is not needed once this has returned, unless it is whole by itself.</param>
    /// <param name="isBinary">Whether it came as binary.</param>
    /// <param name="whole">What to hand on.</param>
    /// <exception cref="InvalidDataException">The messages do not make a packet.</exception>
    public bool TryTake(ReadOnlyMemory<byte> message, bool isBinary, out TransportMessage whole)
    {
        whole = new TransportMessage(TransportMessageKind.Text, message);
        return isBinary ? TryTakeAttachment(message, out whole) : TryTakeText(message);
    }

    private bool TryTakeText(ReadOnlyMemory<byte> text)
    {
        if (_missing > 0)
        {
            throw new InvalidDataException("A text came where an attachment was announced.");
        }

        if (!PacketHeader.HasAttachments(text.Span))
        {
            return true;
        }

        if (!PacketHeader.TryReadAttachments(text.Span, out _missing, out _))
        {
            throw new InvalidDataException($"A packet announced no attachments, or more than {PacketHeader.MaxAttachments}.");
        }

        // New for each packet: what is given away is nobody else's, and an idle connection holds nothing.
        _packet = new ArrayBufferWriter<byte>(text.Length + (2 * AssembledPacket.PartOverhead));
        Append(_packet, text.Span);
        return false;
    }

    private bool TryTakeAttachment(ReadOnlyMemory<byte> attachment, out TransportMessage whole)
    {
        whole = default;
        if (_packet is null)
        {
            throw new InvalidDataException("An attachment came that was not announced.");
        }

        Append(_packet, attachment.Span);
        if (--_missing > 0)
        {
            return false;
        }

        whole = new TransportMessage(TransportMessageKind.Binary, _packet.WrittenMemory);
        _packet = null;
        return true;
    }

    private void Append(ArrayBufferWriter<byte> packet, ReadOnlySpan<byte> part)
    {
        if (part.Length > maxBytes - packet.WrittenCount - AssembledPacket.PartOverhead)
        {
            throw new InvalidDataException($"A packet has more than {maxBytes} bytes with its attachments.");
        }

        AssembledPacket.Append(packet, part);
    }
}

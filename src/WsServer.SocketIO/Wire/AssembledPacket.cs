using System.Buffers;
using System.Buffers.Binary;

namespace WsServer.SocketIO.Wire;

/// <summary>
/// A packet's text and its attachments as the one binary message that a codec can take: the text, then each attachment,
/// with its length in four bytes before it. It is never sent.
/// </summary>
internal static class AssembledPacket
{
    /// <summary>What each part costs beside its bytes.</summary>
    public const int PartOverhead = sizeof(uint);

    public static void Append(IBufferWriter<byte> message, ReadOnlySpan<byte> part)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(message.GetSpan(PartOverhead), (uint)part.Length);
        message.Advance(PartOverhead);
        message.Write(part);
    }

    public static bool TrySplit(ReadOnlyMemory<byte> message, out ReadOnlyMemory<byte> text, out ReadOnlyMemory<byte>[] attachments)
    {
        attachments = [];
        if (!TryTake(ref message, out text))
        {
            return false;
        }

        var parts = new List<ReadOnlyMemory<byte>>(1);
        while (!message.IsEmpty)
        {
            if (!TryTake(ref message, out ReadOnlyMemory<byte> part))
            {
                return false;
            }

            parts.Add(part);
        }

        attachments = [.. parts];
        return true;
    }

    private static bool TryTake(ref ReadOnlyMemory<byte> message, out ReadOnlyMemory<byte> part)
    {
        part = default;
        if (!BinaryPrimitives.TryReadUInt32LittleEndian(message.Span, out uint length) || length > message.Length - PartOverhead)
        {
            return false;
        }

        part = message.Slice(PartOverhead, (int)length);
        message = message[(PartOverhead + (int)length)..];
        return true;
    }
}

using System.Buffers.Binary;

namespace WsServer.Tests.Support;

/// <summary>The bytes of frames as a client sends them (RFC 6455, section 5.2), and as none should.</summary>
internal static class ClientFrame
{
    private static readonly byte[] Mask = [0x37, 0xfa, 0x21, 0x3d];

    /// <summary>One frame, with whatever is wrong about it.</summary>
    /// <param name="opcode">The lower four bits of the first byte.</param>
    /// <param name="payload">The payload, before masking.</param>
    /// <param name="isFinal">The FIN bit.</param>
    /// <param name="reserved">The three reserved bits, as the bits 0x70 of the first byte.</param>
    /// <param name="isMasked">Whether it is masked, as a client must.</param>
    /// <param name="mask">Another masking key than that of the RFC's examples.</param>
    public static byte[] Encode(int opcode, ReadOnlySpan<byte> payload, bool isFinal = true, int reserved = 0, bool isMasked = true, byte[]? mask = null)
    {
        mask ??= Mask;
        byte[] header = Header(opcode, (ulong)payload.Length, isFinal, reserved, isMasked, mask);
        byte[] frame = new byte[header.Length + payload.Length];
        header.CopyTo(frame, 0);
        Span<byte> body = frame.AsSpan(header.Length);
        payload.CopyTo(body);
        for (int i = 0; isMasked && i < body.Length; i++)
        {
            body[i] ^= mask[i % 4];
        }

        return frame;
    }

    /// <summary>A header alone, which may announce what never comes.</summary>
    public static byte[] Header(int opcode, ulong length, bool isFinal = true, int reserved = 0, bool isMasked = true, byte[]? mask = null)
    {
        byte first = (byte)((isFinal ? 0x80 : 0) | reserved | opcode);
        int maskBit = isMasked ? 0x80 : 0;
        byte[] key = isMasked ? mask ?? Mask : [];
        byte[] more = new byte[8];
        switch (length)
        {
            case < 126:
                return [first, (byte)(maskBit | (int)length), .. key];
            case <= ushort.MaxValue:
                BinaryPrimitives.WriteUInt16BigEndian(more, (ushort)length);
                return [first, (byte)(maskBit | 126), .. more[..2], .. key];
            default:
                BinaryPrimitives.WriteUInt64BigEndian(more, length);
                return [first, (byte)(maskBit | 127), .. more, .. key];
        }
    }

    public static byte[] Text(string text) => Encode(RawFrame.Text, System.Text.Encoding.UTF8.GetBytes(text));
}

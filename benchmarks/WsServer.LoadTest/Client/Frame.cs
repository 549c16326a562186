using System.Buffers.Binary;

namespace WsServer.LoadTest.Client;

/// <summary>The opcodes of RFC 6455, section 5.2.</summary>
internal enum FrameKind
{
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// <summary>A frame's header as a server writes it.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="IsFinal">Whether the message ends with it.</param>
/// <param name="Length">The length of the header.</param>
/// <param name="PayloadLength">The length of what follows.</param>
internal readonly record struct FrameHeader(FrameKind Kind, bool IsFinal, int Length, int PayloadLength);

/// <summary>Reads the headers of a server's frames and writes a client's.</summary>
internal static class Frame
{
    // Any key but zero, with which a server could leave out the unmasking. Fixed: nobody between can be fooled here.
    private static ReadOnlySpan<byte> Key => [0x37, 0xfa, 0x21, 0x3d];

    /// <summary>Reads a header, unless <paramref name="data"/> ends before it does.</summary>
    public static bool TryRead(ReadOnlySpan<byte> data, out FrameHeader header)
    {
        header = default;
        if (data.Length < 2)
        {
            return false;
        }

        int length = data[1];
        int headerLength = 2;
        if (length == 126)
        {
            headerLength = 4;
            if (data.Length < headerLength)
            {
                return false;
            }

            length = BinaryPrimitives.ReadUInt16BigEndian(data[2..]);
        }
        else if (length == 127)
        {
            headerLength = 10;
            if (data.Length < headerLength)
            {
                return false;
            }

            length = checked((int)BinaryPrimitives.ReadInt64BigEndian(data[2..]));
        }
        else if (length > 127)
        {
            throw new LoadException("The server has sent a masked frame.");
        }

        if ((data[0] & 0x70) != 0)
        {
            throw new LoadException("The server has sent a frame with reserved bits.");
        }

        header = new FrameHeader((FrameKind)(data[0] & 0x0f), (data[0] & 0x80) != 0, headerLength, length);
        return true;
    }

    /// <summary>A client's frame: final and masked.</summary>
    public static byte[] Write(FrameKind kind, ReadOnlySpan<byte> payload)
    {
        int headerLength = payload.Length < 126 ? 2 : 4;
        byte[] frame = new byte[headerLength + Key.Length + payload.Length];
        frame[0] = (byte)(0x80 | (int)kind);
        if (headerLength == 2)
        {
            frame[1] = (byte)(0x80 | payload.Length);
        }
        else
        {
            frame[1] = 0x80 | 126;
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), checked((ushort)payload.Length));
        }

        Key.CopyTo(frame.AsSpan(headerLength));
        Span<byte> masked = frame.AsSpan(headerLength + Key.Length);
        payload.CopyTo(masked);
        Mask(masked, 0);
        return frame;
    }

    /// <summary>Masks a part of a payload that begins at <paramref name="offset"/>.</summary>
    public static void Mask(Span<byte> part, int offset)
    {
        for (int i = 0; i < part.Length; i++)
        {
            part[i] ^= Key[(offset + i) & 3];
        }
    }
}

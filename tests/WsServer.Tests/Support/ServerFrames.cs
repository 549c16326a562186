using System.Buffers.Binary;

namespace WsServer.Tests.Support;

/// <summary>Reads the frames of a server, strictly (RFC 6455, section 5.2).</summary>
internal static class ServerFrames
{
    public static List<RawFrame> Parse(ReadOnlySpan<byte> bytes, bool mayBeCompressed = false)
    {
        List<RawFrame> frames = [];
        while (!bytes.IsEmpty)
        {
            frames.Add(Take(ref bytes, mayBeCompressed));
        }

        return frames;
    }

    private static RawFrame Take(ref ReadOnlySpan<byte> bytes, bool mayBeCompressed)
    {
        byte first = bytes[0];
        int opcode = first & 0x0f;
        bool isFinal = (first & 0x80) != 0;
        bool isControl = opcode >= RawFrame.Close;
        int header = (bytes[1] & 0x7f) switch { 126 => 4, 127 => 10, _ => 2 };
        ulong length = header switch
        {
            4 => BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]),
            10 => BinaryPrimitives.ReadUInt64BigEndian(bytes[2..]),
            _ => bytes[1],
        };
        int reserved = first & 0x70;
        bool isReserved = reserved != 0 && !(mayBeCompressed && reserved == 0x40 && !isControl);
        bool isMasked = (bytes[1] & 0x80) != 0;
        if (isMasked || isReserved || opcode is (> 2 and < 8) or > 10 || (isControl && (!isFinal || length > 125)))
        {
            throw new InvalidDataException($"0x{first:x2} with {length} bytes begins no frame.");
        }

        if ((ulong)(bytes.Length - header) < length)
        {
            throw new InvalidDataException($"A frame of {length} bytes ends after {bytes.Length - header}.");
        }

        var frame = new RawFrame(opcode, isFinal, bytes.Slice(header, (int)length).ToArray(), reserved);
        bytes = bytes[(header + (int)length)..];
        return frame;
    }
}

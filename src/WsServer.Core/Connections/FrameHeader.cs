using System.Buffers.Binary;

namespace WsServer.Connections;

/// <summary>The header of a client's frame (RFC 6455, section 5.2).</summary>
/// <param name="First">The first byte: final bit, reserved bits, opcode.</param>
/// <param name="IsMasked">Whether the payload is masked, as a client's must be.</param>
/// <param name="Length">The payload's length in bytes; negative when its highest bit was set.</param>
/// <param name="Mask">The masking key, in the order of the machine's memory.</param>
internal readonly record struct FrameHeader(byte First, bool IsMasked, long Length, uint Mask)
{
    public const int Continuation = 0;
    public const int Text = 1;
    public const int Binary = 2;
    public const int Close = 8;
    public const int Ping = 9;
    public const int Pong = 10;

    /// <summary>The longest header: two bytes, eight of length, four of mask.</summary>
    public const int MaxBytes = 14;

    /// <summary>The longest payload of a control frame.</summary>
    public const int MaxControlBytes = 125;

    private const int ReservedBits = 0x70;
    private const int CompressedBit = 0x40;

    public bool IsFinal => (First & 0x80) != 0;

    public int Opcode => First & 0x0f;

    /// <summary>Whether a compressed message begins with it (RFC 7692, section 6).</summary>
    public bool IsCompressed => (First & CompressedBit) != 0;

    public bool IsControl => (First & 0x08) != 0;

    /// <summary>Reads a header if it is there as a whole, and tells how many bytes it has.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out FrameHeader header, out int count)
    {
        header = default;
        count = 0;
        if (bytes.Length < 2)
        {
            return false;
        }

        bool isMasked = (bytes[1] & 0x80) != 0;
        int lengthBytes = (bytes[1] & 0x7f) switch { 126 => 2, 127 => 8, _ => 0 };
        int total = 2 + lengthBytes + (isMasked ? 4 : 0);
        if (bytes.Length < total)
        {
            return false;
        }

        long length = lengthBytes switch
        {
            2 => BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]),
            8 => BinaryPrimitives.ReadInt64BigEndian(bytes[2..]),
            _ => bytes[1] & 0x7f,
        };
        uint mask = isMasked ? BitConverter.ToUInt32(bytes[(2 + lengthBytes)..]) : 0;
        header = new FrameHeader(bytes[0], isMasked, length, mask);
        count = total;
        return true;
    }

    /// <summary>Checks what the section demands of a frame.</summary>
    /// <param name="isWithinMessage">Whether a message has begun and not ended.</param>
    /// <param name="mayBeCompressed">Whether compression was agreed on.</param>
    /// <exception cref="FrameException">The client broke the protocol.</exception>
    public void Check(bool isWithinMessage, bool mayBeCompressed = false)
    {
        string? fault = this switch
        {
            { IsMasked: false } => "A client's frame is masked.",
            { Length: < 0 } => "A frame's length has its highest bit set.",
            _ when (First & ReservedBits) != 0 && !(mayBeCompressed && BeginsCompressed) => "A frame has a reserved bit set that no extension gives a meaning.",
            { IsControl: true, Opcode: not (Close or Ping or Pong) } => "A control frame has an unknown opcode.",
            { IsControl: true, IsFinal: false } => "A control frame is fragmented.",
            { IsControl: true, Length: > MaxControlBytes } => "A control frame is too long.",
            { IsControl: true } => null,
            { Opcode: Continuation } => isWithinMessage ? null : "A continuation follows no message.",
            { Opcode: Text or Binary } => isWithinMessage ? "A message begins within another." : null,
            _ => "A frame has an unknown opcode.",
        };
        if (fault is not null)
        {
            throw new FrameException(1002, fault);
        }
    }

    // Only the first frame of a message has the bit, and no control frame.
    private bool BeginsCompressed => (First & ReservedBits) == CompressedBit && Opcode is (Text or Binary);
}

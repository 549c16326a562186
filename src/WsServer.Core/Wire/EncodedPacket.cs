using System.Buffers.Binary;

namespace WsServer.Wire;

/// <summary>
/// A packet as bytes, ready to send and shared by everybody who gets it. The bytes stand in one array behind their
/// WebSocket header (RFC 6455, section 5.2: final, not masked), so that framing too is done once for all receivers.
/// </summary>
/// <remarks>Immutable.</remarks>
public sealed class EncodedPacket
{
    private const int Headroom = 10;
    private readonly byte[] _bytes;
    private readonly int _frameStart;

    /// <summary>Makes a packet from the bytes of its message, which are copied.</summary>
    /// <param name="payload">The message.</param>
    /// <param name="isBinary">Whether it is a binary message, or text.</param>
    public EncodedPacket(ReadOnlySpan<byte> payload, bool isBinary)
    {
        IsBinary = isBinary;
        _bytes = GC.AllocateUninitializedArray<byte>(Headroom + payload.Length);
        payload.CopyTo(_bytes.AsSpan(Headroom));
        _frameStart = WriteHeader(_bytes, payload.Length, isBinary);
    }

    /// <summary>Whether it is a binary message, or text.</summary>
    public bool IsBinary { get; }

    /// <summary>The message.</summary>
    public ReadOnlyMemory<byte> Payload => _bytes.AsMemory(Headroom);

    /// <summary>The message as one WebSocket frame from server to client.</summary>
    public ReadOnlyMemory<byte> Frame => _bytes.AsMemory(_frameStart);

    /// <summary>The length of the frame in bytes: what the packet costs in an outbox.</summary>
    public int Length => _bytes.Length - _frameStart;

    // The header ends where the payload begins, so it is written from the right; returns where it starts.
    private static int WriteHeader(byte[] bytes, int length, bool isBinary)
    {
        int start;
        switch (length)
        {
            case < 126:
                start = Headroom - 2;
                bytes[start + 1] = (byte)length;
                break;
            case <= ushort.MaxValue:
                start = Headroom - 4;
                bytes[start + 1] = 126;
                BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(start + 2), (ushort)length);
                break;
            default:
                start = Headroom - 10;
                bytes[start + 1] = 127;
                BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(start + 2), (ulong)length);
                break;
        }

        bytes[start] = isBinary ? (byte)0x82 : (byte)0x81;
        return start;
    }
}

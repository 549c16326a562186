using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;

namespace WsServer.Wire;

/// <summary>
/// A packet as bytes, ready to send and shared by everybody who gets it. The bytes stand in one array behind their
/// WebSocket header (RFC 6455, section 5.2: final, not masked), so that framing too is done once for all receivers.
/// </summary>
/// <remarks>
/// Immutable for as long as it is held. The server counts who holds it, and fills it with another packet when nobody
/// does: a transport that needs the bytes after its send has completed copies them.
/// </remarks>
public sealed class EncodedPacket
{
    private const int Headroom = 10;
    private const int KeptBytes = 4 * 1024;
    private const int KeptPackets = 64;

    // RFC 7692, section 6: the first reserved bit marks a compressed message.
    private const byte CompressedBit = 0x40;

    [ThreadStatic]
    private static Stack<EncodedPacket>? _free;

    private byte[] _bytes = [];
    private int _length;
    private int _frameStart;
    private int _holders;
    private EncodedPacket[]? _alone;
    private EncodedPacket? _deflated;

    private EncodedPacket()
    {
    }

    /// <summary>Whether it is a binary message, or text.</summary>
    public bool IsBinary { get; private set; }

    /// <summary>The message.</summary>
    public ReadOnlyMemory<byte> Payload => _bytes.AsMemory(Headroom, _length);

    /// <summary>The message as one WebSocket frame from server to client.</summary>
    public ReadOnlyMemory<byte> Frame => _bytes.AsMemory(_frameStart, Length);

    /// <summary>The length of the frame in bytes: what the packet costs in an outbox.</summary>
    public int Length => Headroom + _length - _frameStart;

    /// <summary>The packet as a batch of one; the same for everybody who sends it.</summary>
    internal ReadOnlyMemory<EncodedPacket> Alone => _alone ??= [this];

    /// <summary>The message that belongs to this one and is sent right behind it, if any.</summary>
    public EncodedPacket? Next { get; private set; }

    /// <summary>On which terms it may be lost for a client that lags; null when it may not. Set before anybody else has the packet.</summary>
    internal DropTerms? Terms { get; set; }

    /// <summary>Makes a packet from the bytes of its message, which are copied. The caller holds it.</summary>
    /// <param name="payload">The message.</param>
    /// <param name="isBinary">Whether it is a binary message, or text.</param>
    /// <param name="next">What is sent right behind it, such as an attachment. It belongs to the packet from now on.</param>
    public static EncodedPacket Create(ReadOnlySpan<byte> payload, bool isBinary, EncodedPacket? next = null)
    {
        if (_free is null || !_free.TryPop(out EncodedPacket? packet))
        {
            packet = new EncodedPacket();
        }

        if (packet._bytes.Length < Headroom + payload.Length)
        {
            packet._bytes = ArrayPool<byte>.Shared.Rent(Headroom + payload.Length);
        }

        packet._length = payload.Length;
        packet._holders = 1;
        packet.IsBinary = isBinary;
        packet.Next = next;
        packet.Terms = null;
        payload.CopyTo(packet._bytes.AsSpan(Headroom));
        packet._frameStart = WriteHeader(packet._bytes, payload.Length, isBinary);
        return packet;
    }

    /// <summary>
    /// The message as a compressed one (RFC 7692), or itself when it is not shorter so. Made by the first who asks, for
    /// all receivers, and held by this one: who still needs it when this one is let go holds it, too.
    /// </summary>
    internal EncodedPacket Deflate(CompressionLevel level)
    {
        if (Volatile.Read(ref _deflated) is { } made)
        {
            return made;
        }

        ReadOnlySpan<byte> compressed = MessageDeflater.Deflate(Payload.Span, level);
        EncodedPacket deflated = this;
        if (compressed.Length < _length)
        {
            deflated = Create(compressed, IsBinary);
            deflated._bytes[deflated._frameStart] |= CompressedBit;
        }

        if (Interlocked.CompareExchange(ref _deflated, deflated, null) is { } others)
        {
            // Another thread of the same fan-out was as quick.
            if (deflated != this)
            {
                deflated.Release();
            }

            return others;
        }

        return deflated;
    }

    /// <summary>What the packet and those behind it cost in an outbox.</summary>
    internal long TotalLength
    {
        get
        {
            long length = 0;
            for (EncodedPacket? packet = this; packet is not null; packet = packet.Next)
            {
                length += packet.Length;
            }

            return length;
        }
    }

    /// <summary>One more holds the packet. Only who holds it already, or knows one who does, may call this.</summary>
    internal void Hold() => Interlocked.Increment(ref _holders);

    /// <summary>
    /// One holds it no longer; after the last its bytes may change at any time. Who cannot tell whether somebody still
    /// reads them (a send that failed half way) does not call this, and leaves the packet to the garbage collector.
    /// </summary>
    internal void Release()
    {
        // Not by calling itself: a packet may have thousands behind it.
        for (EncodedPacket? packet = this; packet is not null;)
        {
            packet = packet.ReleaseOne();
        }
    }

    /// <summary>The same for this one alone; returns the next, when it was held by this one only as long as this one was.</summary>
    private EncodedPacket? ReleaseOne()
    {
        int left = Interlocked.Decrement(ref _holders);
        if (left > 0)
        {
            return null;
        }

        if (left < 0)
        {
            throw new InvalidOperationException("A packet was released more often than it was held.");
        }

        EncodedPacket? next = Next;
        Next = null;
        if (_deflated is { } deflated)
        {
            _deflated = null;
            if (deflated != this)
            {
                deflated.Release();
            }
        }

        if (_bytes.Length > KeptBytes)
        {
            byte[] bytes = _bytes;
            _bytes = [];
            ArrayPool<byte>.Shared.Return(bytes);
        }

        Stack<EncodedPacket> free = _free ??= new Stack<EncodedPacket>(KeptPackets);
        if (free.Count < KeptPackets)
        {
            free.Push(this);
        }

        return next;
    }

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

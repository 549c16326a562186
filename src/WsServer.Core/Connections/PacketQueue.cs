using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>
/// The packets of an outbox in order: first those taken to be written, then those that wait. They lie side by side, so
/// that a batch is a slice of them. Holds each packet while it has it. Guarded by its owner.
/// </summary>
internal sealed class PacketQueue
{
    private const int FewestPlaces = 4;

    // One that has held more than so many gives its places back when it is empty.
    private const int KeptPlaces = 64;

    private EncodedPacket[] _packets = [];
    private int _start;
    private int _taken;
    private int _end;

    public bool IsEmpty => _start == _end;

    /// <summary>The bytes of all packets.</summary>
    public long Bytes { get; private set; }

    /// <summary>The same without the first, which is being written or will be next.</summary>
    public long BytesBehindFirst => IsEmpty ? 0 : Bytes - _packets[_start].Length;

    public void Add(EncodedPacket packet)
    {
        if (_end == _packets.Length)
        {
            MakeRoom();
        }

        _packets[_end++] = packet;
        Bytes += packet.Length;
    }

    /// <summary>Takes packets until they have this many bytes, at least one; nothing, when none waits.</summary>
    public ReadOnlyMemory<EncodedPacket> Take(int bytes)
    {
        long size = 0;
        while (_start + _taken < _end && size < bytes)
        {
            size += _packets[_start + _taken++].Length;
        }

        return _packets.AsMemory(_start, _taken);
    }

    /// <summary>What was taken is sent.</summary>
    public void ReleaseTaken()
    {
        for (; _taken > 0; _taken--)
        {
            Bytes -= _packets[_start].Length;
            _packets[_start].Release();
            _packets[_start++] = null!;
        }

        if (IsEmpty)
        {
            _start = 0;
            _end = 0;
            if (_packets.Length > KeptPlaces)
            {
                _packets = [];
            }
        }
    }

    /// <summary>Drops what waits; what was taken is still being written.</summary>
    public void DropWaiting()
    {
        while (_end > _start + _taken)
        {
            Bytes -= _packets[--_end].Length;
            _packets[_end].Release();
            _packets[_end] = null!;
        }
    }

    // Into a new array: a transport may be reading a slice of this one.
    private void MakeRoom()
    {
        int count = _end - _start;
        var packets = new EncodedPacket[Math.Max(FewestPlaces, count * 2)];
        Array.Copy(_packets, _start, packets, 0, count);
        _packets = packets;
        _start = 0;
        _end = count;
    }
}

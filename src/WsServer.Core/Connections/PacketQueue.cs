using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>
/// The packets of an outbox in order: first those taken to be written, then those that wait. They lie side by side, so
/// that a batch is a slice of them; one alone needs no place. Holds each packet while it has it. Guarded by its owner,
/// of whose fields it is one, so that a delivery finds it where it is already: do not copy.
/// </summary>
/// <remarks>Packets that wait may be dropped, and leave holes. Where none is taken, the first place has no hole.</remarks>
internal partial struct PacketQueue
{
    private const int FewestPlaces = 4;

    // One that has held more than so many gives its places back when it is empty.
    private const int KeptPlaces = 64;

    // When it is there, it is all there is, and the places are empty.
    private EncodedPacket? _only;
    private EncodedPacket[]? _packets;
    private int _start;
    private int _taken;
    private int _end;
    private Backlog? _backlog;

    public readonly bool IsEmpty => _only is null && _start == _end;

    /// <summary>The bytes of all packets.</summary>
    public long Bytes { get; private set; }

    /// <summary>The same without the first, which is being written or will be next.</summary>
    public readonly long BytesBehindFirst => IsEmpty || _only is not null ? 0 : Bytes - _packets![_start].Length;

    public void Add(EncodedPacket packet)
    {
        Bytes += packet.Length;
        if (IsEmpty)
        {
            _only = packet;
            return;
        }

        if (_only is not null)
        {
            // A batch that is out has the packet from elsewhere.
            Append(_only);
            _only = null;
        }

        Append(packet);
    }

    /// <summary>Takes packets until they have this many bytes, at least one; nothing, when none waits.</summary>
    public ReadOnlyMemory<EncodedPacket> Take(int bytes)
    {
        if (_only is not null)
        {
            _taken = 1;
            return _only.Alone;
        }

        if (_backlog is not null)
        {
            return TakeLagging(_backlog, bytes);
        }

        long size = 0;
        while (_start + _taken < _end && size < bytes)
        {
            size += _packets![_start + _taken++].Length;
        }

        return _packets.AsMemory(_start, _taken);
    }

    /// <summary>What was taken is sent.</summary>
    public void ReleaseTaken()
    {
        if (_only is not null && _taken > 0)
        {
            _taken = 0;
            DropOnly();
            EndBacklog();
            return;
        }

        for (; _taken > 0; _taken--)
        {
            Bytes -= _packets![_start].Length;
            _packets[_start].Release();
            _packets[_start++] = null!;
        }

        if (_backlog is not null)
        {
            SkipHoles(_backlog);
        }

        if (_start == _end)
        {
            BeginAnew();
        }
    }

    /// <summary>Drops what waits; what was taken is still being written.</summary>
    public void DropWaiting()
    {
        if (_only is not null && _taken == 0)
        {
            DropOnly();
        }

        while (_end > _start + _taken)
        {
            if (_packets![--_end] is { } packet)
            {
                Bytes -= packet.Length;
                packet.Release();
                _packets[_end] = null!;
            }
        }

        _backlog = null;
    }

    private void BeginAnew()
    {
        _start = 0;
        _end = 0;
        if (_packets?.Length > KeptPlaces)
        {
            _packets = null;
        }

        EndBacklog();
    }

    private void DropOnly()
    {
        EncodedPacket packet = _only!;
        _only = null;
        Bytes -= packet.Length;
        packet.Release();
    }

    private void Append(EncodedPacket packet)
    {
        if (_packets is null || _end == _packets.Length)
        {
            MakeRoom();
        }

        _packets![_end++] = packet;
    }

    // Into a new array: a transport may be reading a slice of this one.
    private void MakeRoom()
    {
        if (_backlog is { } backlog && _packets is not null)
        {
            Close(backlog);
            return;
        }

        int count = _end - _start;
        var packets = new EncodedPacket[Math.Max(FewestPlaces, count * 2)];
        _packets?.AsSpan(_start, count).CopyTo(packets);
        _packets = packets;
        _start = 0;
        _end = count;
    }
}

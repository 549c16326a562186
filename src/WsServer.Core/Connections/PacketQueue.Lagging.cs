using System.Diagnostics.CodeAnalysis;
using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>What happens to packets that wait for a client that lags.</summary>
internal partial struct PacketQueue
{
    /// <summary>Whether the client has missed something that it has not been told of.</summary>
    public readonly bool HasMissed => _backlog?.Missed is not null;

    /// <summary>The bytes of packets that wait behind the first and may be dropped, volatile ones excepted.</summary>
    public long DroppableBytes
    {
        get
        {
            Backlog backlog = Look();
            bool isFirstWaiting = _taken == 0 && _start < _end && _packets![_start].Terms is { IsTold: true };
            return backlog.DroppableBytes - (isFirstWaiting ? _packets![_start].TotalLength : 0);
        }
    }

    /// <summary>The bytes of those among them that <see cref="TryDropOldest"/> can drop.</summary>
    public long RemovableBytes => Look().RemovableBytes;

    /// <summary>Drops the one packet that conflates with one of these terms, if any waits.</summary>
    public bool TryConflate(DropTerms terms)
    {
        Backlog backlog = Look();
        int at = backlog.Find(terms);
        if (at < 0)
        {
            return false;
        }

        Drop(backlog, at);
        return true;
    }

    /// <summary>Drops the oldest packet that may have to go after it was taken; the client has missed it.</summary>
    public bool TryDropOldest([NotNullWhen(true)] out DropTerms? terms)
    {
        Backlog backlog = Look();
        for (int at = Math.Max(backlog.Oldest, _start + _taken); at < _end; at++)
        {
            terms = _packets![at]?.Terms;
            if (terms is { IsRemovable: true })
            {
                backlog.Oldest = at;
                backlog.Miss(terms, at);
                Drop(backlog, at);
                return true;
            }
        }

        backlog.Oldest = Math.Max(_end, _start + _taken);
        terms = null;
        return false;
    }

    /// <summary>The client misses a packet that would have been the next.</summary>
    public void Miss(DropTerms terms)
    {
        Backlog backlog = Look();

        // One alone that is being written gets the first place as soon as another comes.
        backlog.Miss(terms, _only is null ? _end : 1);
    }

    /// <summary>Takes out what the client is to be told before any more is taken; null when a packet comes first, or nothing was missed.</summary>
    public readonly MissedEvents? TakeMissed() => _backlog is { Missed: not null } backlog && backlog.GapAt <= _start ? backlog.TakeMissed() : null;

    /// <summary>Looks at all that wait and were not looked at before.</summary>
    private Backlog Look()
    {
        Backlog backlog = _backlog ??= new Backlog();
        if (_only is not null && _taken == 0)
        {
            EncodedPacket only = _only;
            _only = null;
            Append(only);
        }

        int at = Math.Max(backlog.Seen, _start + _taken);
        for (; at < _end; at++)
        {
            if (_packets![at] is { } packet)
            {
                backlog.Add(packet, at);
            }
        }

        backlog.Seen = at;
        return backlog;
    }

    /// <summary>Takes packets up to where the client has missed something, and puts them side by side.</summary>
    private ReadOnlyMemory<EncodedPacket> TakeLagging(Backlog backlog, int bytes)
    {
        int stop = backlog.Missed is null ? _end : Math.Min(_end, backlog.GapAt);
        long size = 0;
        int read = _start;
        for (; read < stop && size < bytes; read++)
        {
            if (_packets![read] is { } packet)
            {
                size += packet.Length;
                _taken++;
                backlog.Remove(packet, read);
            }
        }

        int holes = read - _start - _taken;
        if (holes > 0)
        {
            int write = read;
            for (int i = read - 1; i >= _start; i--)
            {
                if (_packets![i] is { } packet)
                {
                    _packets[i] = null!;
                    _packets[--write] = packet;
                }
            }

            backlog.Holes -= holes;
            _start = write;
        }

        return _packets.AsMemory(_start, _taken);
    }

    /// <summary>Drops a packet that was looked at, with what belongs to it.</summary>
    private void Drop(Backlog backlog, int at)
    {
        backlog.Remove(_packets![at], at);
        for (EncodedPacket? packet = _packets[at]; packet is not null; at++)
        {
            // Each of them is held for itself.
            EncodedPacket? next = packet.Next;
            Bytes -= packet.Length;
            _packets[at] = null!;
            backlog.Holes++;
            packet.Release();
            packet = next;
        }

        while (_end > _start + _taken && _packets[_end - 1] is null)
        {
            _end--;
            backlog.Holes--;
        }

        backlog.EndAt(_end);
        SkipHoles(backlog);
        if (_start == _end)
        {
            BeginAnew();
        }
    }

    private void SkipHoles(Backlog backlog)
    {
        while (_taken == 0 && _start < _end && _packets![_start] is null)
        {
            _start++;
            backlog.Holes--;
        }
    }

    /// <summary>Makes room by putting what waits side by side: where it is, if that gives much; else in a new array.</summary>
    private void Close(Backlog backlog)
    {
        Look();
        int waiting = _start + _taken;
        int live = _end - _start - backlog.Holes;
        EncodedPacket[] from = _packets!;
        EncodedPacket[] to = from;
        int shift = 0;
        if (backlog.Holes < from.Length / 4)
        {
            to = new EncodedPacket[Math.Max(FewestPlaces, live * 2)];
            from.AsSpan(_start, _taken).CopyTo(to);
            shift = _start;
        }

        int write = waiting - shift;
        int gap = backlog.GapAt;
        for (int read = waiting; read < _end; read++)
        {
            if (read == backlog.GapAt)
            {
                gap = write;
            }

            if (from[read] is { } packet)
            {
                if (backlog.HasConflated)
                {
                    backlog.Move(packet, read, write);
                }

                to[write++] = packet;
            }
        }

        if (to == from)
        {
            from.AsSpan(write, _end - write).Clear();
        }

        // Where the gap is at the end or among what was taken, no packet stood there.
        backlog.GapAt = backlog.GapAt >= _end ? write : backlog.GapAt < waiting ? backlog.GapAt - shift : gap;
        backlog.Seen = write;
        backlog.Oldest = waiting - shift;
        backlog.Holes = 0;
        _packets = to;
        _start -= shift;
        _end = write;
    }

    /// <summary>Nothing waits: nothing is known, but what the client has still to be told.</summary>
    private void EndBacklog()
    {
        if (_backlog is { Missed: null })
        {
            _backlog = null;
        }
        else
        {
            _backlog?.EndAt(0);
        }
    }
}

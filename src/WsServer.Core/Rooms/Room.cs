namespace WsServer.Rooms;

/// <summary>One member's place in one room.</summary>
internal sealed class Membership<T>(RoomMember<T> member, Room<T> room, long joinedAt)
{
    public RoomMember<T> Member => member;

    /// <summary>The member's, one step nearer for who visits many.</summary>
    public T Value { get; } = member.Value;

    /// <summary>The member's.</summary>
    public object? Companion { get; } = member.Companion;

    public Room<T> Room => room;

    /// <summary>Since when, in ticks of UTC.</summary>
    public long JoinedAt => joinedAt;

    /// <summary>Where it stands in the room's array; guarded by the room.</summary>
    public int Slot { get; set; }

    /// <summary>Counts all joins of the index, so that a visit can pass over those that came after it began.</summary>
    public long Sequence { get; set; }
}

/// <summary>
/// A set of members that is visited without a lock and without a copy while others join and leave: places in an
/// array, where a leaver's place stays empty until the next joiner takes it. Nobody ever moves within an array, so a
/// visit neither misses nor repeats one who stays.
/// </summary>
internal sealed class Room<T>(string name)
{
    private const int FewestSlots = 4;

    // How far ahead of the visit what it will touch is brought near: first the membership, then what stands in it.
    private const int PlacesAhead = 6;
    private const int ValuesAhead = 3;

    private readonly Lock _gate = new();
    private Membership<T>?[] _slots = [];
    private Stack<int>? _free;
    private int _used;
    private volatile int _count;
    private bool _isDeleted;

    public string Name => name;

    /// <summary>What the index's user keeps with the room.</summary>
    public object? Tag { get; set; }

    public int Count => _count;

    /// <summary>False when the room has been deleted in the meantime: look it up again.</summary>
    public bool TryAdd(Membership<T> membership, ref long sequence, bool isKept, out bool isFirst)
    {
        lock (_gate)
        {
            isFirst = _count == 0 && !isKept;
            if (_isDeleted)
            {
                return false;
            }

            if (_free is null || !_free.TryPop(out int slot))
            {
                slot = _used;
                if (slot == _slots.Length)
                {
                    Resize(Math.Max(FewestSlots, _slots.Length * 2));
                }

                _used = slot + 1;
            }

            membership.Slot = slot;
            membership.Sequence = Interlocked.Increment(ref sequence);
            Volatile.Write(ref _slots[slot], membership);
            _count++;
            return true;
        }
    }

    /// <summary>Takes a member out; true when it was the last and the room is no more.</summary>
    public bool Remove(Membership<T> membership, bool isKept)
    {
        lock (_gate)
        {
            Volatile.Write(ref _slots[membership.Slot], null);
            (_free ??= new()).Push(membership.Slot);
            _count--;
            if (_count == 0)
            {
                _slots = [];
                _free = null;
                _used = 0;
                _isDeleted = !isKept;
                return _isDeleted;
            }

            if (_slots.Length > FewestSlots * 2 && _count < _slots.Length / 4)
            {
                Resize(_slots.Length / 2);
            }

            return false;
        }
    }

    /// <summary>Calls back for each member that was there when the sequence stood at <paramref name="until"/>.</summary>
    public void Visit<TState>(long until, TState state, Action<Membership<T>, TState> action)
    {
        Membership<T>?[] slots = Volatile.Read(ref _slots);
        for (int i = 0; i < slots.Length; i++)
        {
            Membership<T>? membership = Volatile.Read(ref slots[i]);
            if (i + PlacesAhead < slots.Length)
            {
                Prefetch.Object(slots[i + PlacesAhead]);
                if (slots[i + ValuesAhead] is { } next)
                {
                    Prefetch.Object(next.Value);
                    Prefetch.Object(next.Companion);
                }
            }

            if (membership is not null && membership.Sequence <= until)
            {
                action(membership, state);
            }
        }
    }

    // Into a new array: a visit under way goes on in the old one.
    private void Resize(int length)
    {
        var slots = new Membership<T>?[length];
        int used = 0;
        foreach (Membership<T>? membership in _slots)
        {
            if (membership is not null)
            {
                membership.Slot = used;
                slots[used++] = membership;
            }
        }

        _free = null;
        _used = used;
        Volatile.Write(ref _slots, slots);
    }
}

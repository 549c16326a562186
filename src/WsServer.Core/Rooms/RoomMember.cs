namespace WsServer.Rooms;

/// <summary>Somebody who can be in rooms. The member's own room, named by its id, needs no place of its own.</summary>
/// <param name="id">Its id.</param>
/// <param name="value">Who it is.</param>
/// <param name="companion">What whoever visits many members goes on to from the value; see <see cref="Prefetch"/>.</param>
internal sealed class RoomMember<T>(string id, T value, object? companion = null)
{
    private Dictionary<string, Membership<T>>? _rooms;
    private bool _isGone;

    public string Id { get; private set; } = id;

    public T Value => value;

    public object? Companion => companion;

    /// <summary>The place among all members; set by the index.</summary>
    public Membership<T>? Presence { get; set; }

    /// <summary>The names of the rooms the member is in, its own first.</summary>
    public IReadOnlyList<string> Rooms
    {
        get
        {
            lock (this)
            {
                return _isGone ? [] : _rooms is null ? [Id] : [Id, .. _rooms.Keys];
            }
        }
    }

    public bool IsIn(string room)
    {
        if (room == Id)
        {
            return true;
        }

        lock (this)
        {
            return _rooms is not null && _rooms.ContainsKey(room);
        }
    }

    /// <summary>Since when it is in a room, in ticks of UTC; null when it is not. Its own room counts for none.</summary>
    public long? JoinedAt(string room)
    {
        lock (this)
        {
            return _rooms is not null && _rooms.TryGetValue(room, out Membership<T>? membership) ? membership.JoinedAt : null;
        }
    }

    /// <summary>The rooms it is in but its own, each with since when.</summary>
    public KeyValuePair<string, long>[] JoinedRooms
    {
        get
        {
            lock (this)
            {
                return _rooms is null ? [] : [.. _rooms.Select(r => KeyValuePair.Create(r.Key, r.Value.JoinedAt))];
            }
        }
    }

    /// <summary>Enters a room through <paramref name="enter"/>, unless the member is in it, gone, or in <paramref name="limit"/> rooms.</summary>
    public JoinOutcome TryJoin(string room, int limit, Func<RoomMember<T>, string, Membership<T>> enter)
    {
        lock (this)
        {
            if (_isGone || room == Id || (_rooms is not null && _rooms.ContainsKey(room)))
            {
                return JoinOutcome.NothingToDo;
            }

            if (_rooms?.Count >= limit)
            {
                return JoinOutcome.Full;
            }

            (_rooms ??= new(StringComparer.Ordinal)).Add(room, enter(this, room));
            return JoinOutcome.Joined;
        }
    }

    /// <summary>Begins again under another id, in no room; for one that is not in an index.</summary>
    public void Reset(string id)
    {
        lock (this)
        {
            Id = id;
            _isGone = false;
        }
    }

    public Membership<T>? Leave(string room)
    {
        lock (this)
        {
            return _rooms is not null && _rooms.Remove(room, out Membership<T>? membership) ? membership : null;
        }
    }

    /// <summary>Leaves every room for good: a join that comes late finds the door shut.</summary>
    public Membership<T>[] LeaveAll()
    {
        lock (this)
        {
            _isGone = true;
            Membership<T>[] memberships = _rooms is null ? [] : [.. _rooms.Values];
            _rooms = null;
            return memberships;
        }
    }
}

namespace WsServer.Presence;

/// <summary>
/// Who is in a namespace and its rooms, over all nodes. A socket that two nodes tell of, as it moves from one to the other,
/// counts once, where it was told of last. Guarded by the gate of <see cref="ServerPresence"/>.
/// </summary>
internal sealed class PresenceView
{
    private readonly Dictionary<string, PresenceMember> _members = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<string, PresenceMember>> _rooms = new(StringComparer.Ordinal);

    /// <summary>Who is told of changes; null when nobody here wants to know.</summary>
    public PresenceFeed? Feed { get; set; }

    public bool IsEmpty => _members.Count == 0;

    /// <summary>Every socket.</summary>
    public IReadOnlyCollection<PresenceMember> Members => _members.Values;

    public PresenceMember? Find(string sid) => _members.GetValueOrDefault(sid);

    /// <summary>Those in a room.</summary>
    public IReadOnlyCollection<PresenceMember> In(string room) => _rooms.TryGetValue(room, out Dictionary<string, PresenceMember>? members) ? members.Values : [];

    public void Enter(PresenceMember member)
    {
        Feed?.Prepare(this);
        PresenceMember? before = Find(member.Sid);
        member.Before = before;
        Show(before, member);
    }

    public void Exit(PresenceMember member)
    {
        Feed?.Prepare(this);
        if (Find(member.Sid) == member)
        {
            Show(member, member.Before);
        }
        else if (FindAfter(member) is { } after)
        {
            after.Before = member.Before;
        }
    }

    /// <summary>Takes another state of a socket on the same node.</summary>
    public void Replace(PresenceMember old, PresenceMember now)
    {
        Feed?.Prepare(this);
        now.Before = old.Before;
        if (Find(old.Sid) == old)
        {
            Show(old, now);
        }
        else if (FindAfter(old) is { } after)
        {
            after.Before = now;
        }
    }

    public void Join(PresenceMember member, string room, long at)
    {
        if (member.Rooms.ContainsKey(room))
        {
            Leave(member, room);
        }

        Feed?.Prepare(this);
        member.Join(room, at);
        if (Find(member.Sid) == member)
        {
            Index(member, room);
            Feed?.Tell(PresenceChangeKind.Joined, room, member);
        }
    }

    public void Leave(PresenceMember member, string room)
    {
        if (!member.Rooms.ContainsKey(room))
        {
            return;
        }

        Feed?.Prepare(this);
        if (Find(member.Sid) == member)
        {
            Unindex(member, room);
            Feed?.Tell(PresenceChangeKind.Left, room, member);
        }

        member.Leave(room);
    }

    public void Describe(PresenceMember member, byte[]? metadata)
    {
        bool isNew = !member.HasMetadata(metadata);
        Feed?.Prepare(this);
        member.Metadata = metadata;
        if (!isNew || Find(member.Sid) != member)
        {
            return;
        }

        foreach (string room in member.Rooms.Keys)
        {
            Feed?.Tell(PresenceChangeKind.Updated, room, member);
        }
    }

    /// <summary>The sockets as they are now, apart from what becomes of them.</summary>
    public Dictionary<string, PresenceMember> Copy() => _members.ToDictionary(m => m.Key, m => m.Value.Copy(), StringComparer.Ordinal);

    /// <summary>Tells what is different now.</summary>
    public void TellSince(Dictionary<string, PresenceMember> before)
    {
        foreach (PresenceMember old in before.Values)
        {
            Tell(old, Find(old.Sid));
        }

        foreach (PresenceMember member in _members.Values)
        {
            if (!before.ContainsKey(member.Sid))
            {
                Tell(null, member);
            }
        }
    }

    private PresenceMember? FindAfter(PresenceMember member)
    {
        PresenceMember? after = Find(member.Sid);
        while (after is not null && after.Before != member)
        {
            after = after.Before;
        }

        return after;
    }

    private void Show(PresenceMember? old, PresenceMember? now)
    {
        foreach (string room in old?.Rooms.Keys ?? [])
        {
            Unindex(old!, room);
        }

        if (now is null)
        {
            _members.Remove(old!.Sid);
        }
        else
        {
            _members[now.Sid] = now;
            foreach (string room in now.Rooms.Keys)
            {
                Index(now, room);
            }
        }

        Tell(old, now);
    }

    private void Tell(PresenceMember? old, PresenceMember? now)
    {
        if (Feed is not { } feed)
        {
            return;
        }

        foreach ((string room, long at) in old?.Rooms ?? new Dictionary<string, long>())
        {
            // Who has left a node's room and joined it again did so, whether that was heard of or not.
            if (now is null || !now.Rooms.TryGetValue(room, out long then) || (then != at && now.Node == old!.Node))
            {
                feed.Tell(PresenceChangeKind.Left, room, old!);
            }
        }

        foreach ((string room, long at) in now?.Rooms ?? new Dictionary<string, long>())
        {
            if (old is null || !old.Rooms.TryGetValue(room, out long then) || (then != at && now!.Node == old.Node))
            {
                feed.Tell(PresenceChangeKind.Joined, room, now!);
            }
            else if (now!.Node != old.Node || !now.HasMetadata(old.Metadata))
            {
                feed.Tell(PresenceChangeKind.Updated, room, now);
            }
        }
    }

    private void Index(PresenceMember member, string room)
    {
        if (!_rooms.TryGetValue(room, out Dictionary<string, PresenceMember>? members))
        {
            _rooms[room] = members = new(StringComparer.Ordinal);
        }

        members[member.Sid] = member;
    }

    private void Unindex(PresenceMember member, string room)
    {
        Dictionary<string, PresenceMember> members = _rooms[room];
        members.Remove(member.Sid);
        if (members.Count == 0)
        {
            _rooms.Remove(room);
        }
    }
}

using System.Collections.Concurrent;

namespace WsServer.Rooms;

/// <summary>What happened in a room.</summary>
internal enum RoomChange
{
    Created,
    Joined,
    Left,
    Deleted,
}

/// <summary>What became of a wish to join a room.</summary>
internal enum JoinOutcome
{
    Joined,
    NothingToDo,
    Full,
}

/// <summary>
/// Who is in which room. Joining and leaving cost the same however many are there; visiting copies nothing and holds
/// no lock. A room is there from its first member to its last.
/// </summary>
/// <param name="changed">Told of each change after it is made, on the thread that made it: change, room, member id.</param>
/// <param name="maxRooms">How many rooms a member may be in.</param>
/// <param name="time">The clock; the system's by default.</param>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class RoomIndex<T>(Action<RoomChange, string, string> changed, int maxRooms = int.MaxValue, TimeProvider? time = null)
{
    private readonly ConcurrentDictionary<string, RoomMember<T>> _members = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Room<T>> _rooms = new(StringComparer.Ordinal);
    private readonly Room<T> _everyone = new("");
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private long _sequence;

    public int Count => _everyone.Count;

    /// <summary>The rooms and how many are in each; members' own rooms are not among them.</summary>
    public IEnumerable<KeyValuePair<string, int>> Rooms => _rooms.Select(r => KeyValuePair.Create(r.Key, r.Value.Count));

    /// <summary>The room of this name, if somebody is in it. A member's own room is none of these.</summary>
    public Room<T>? FindRoom(ReadOnlySpan<char> name) =>
        _rooms.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out Room<T>? room) ? room : null;

    public RoomMember<T>? Find(string id) => _members.GetValueOrDefault(id);

    public int CountIn(string room) => (_rooms.TryGetValue(room, out Room<T>? found) ? found.Count : 0) + (_members.ContainsKey(room) ? 1 : 0);

    public void Add(RoomMember<T> member)
    {
        if (_members.TryAdd(member.Id, member))
        {
            member.Presence = new Membership<T>(member, _everyone, _time.GetUtcNow().UtcTicks);
            _everyone.TryAdd(member.Presence, ref _sequence, isKept: true, out _);
        }
    }

    /// <summary>Takes a member out of everything, whether it was added or only joined rooms.</summary>
    public void Remove(RoomMember<T> member) => Remove(member, left: null);

    /// <summary>The same.</summary>
    /// <param name="member">The member.</param>
    /// <param name="left">Gets the rooms that it was in.</param>
    public void Remove(RoomMember<T> member, ICollection<string>? left)
    {
        if (_members.TryRemove(KeyValuePair.Create(member.Id, member)))
        {
            _everyone.Remove(member.Presence!, isKept: true);
        }

        foreach (Membership<T> membership in member.LeaveAll())
        {
            left?.Add(membership.Room.Name);
            Exit(membership);
        }
    }

    /// <summary>Puts a member into a room; false when it is in as many others as it may be.</summary>
    public bool Join(RoomMember<T> member, string room)
    {
        bool isNew = false;
        JoinOutcome outcome = member.TryJoin(room, maxRooms, (m, name) => Enter(m, name, out isNew));
        bool isJoined = outcome == JoinOutcome.Joined;
        if (isJoined && isNew)
        {
            changed(RoomChange.Created, room, member.Id);
        }

        if (isJoined)
        {
            changed(RoomChange.Joined, room, member.Id);
        }

        return outcome != JoinOutcome.Full;
    }

    public void Leave(RoomMember<T> member, string room)
    {
        if (member.Leave(room) is { } membership)
        {
            Exit(membership);
        }
    }

    /// <summary>
    /// Calls back once for each member in any of <paramref name="rooms"/> (of all, when it is empty) and in none of
    /// <paramref name="except"/>. One that joins or leaves meanwhile may or may not be among them.
    /// </summary>
    public void Visit<TState>(ReadOnlySpan<string> rooms, string[] except, TState state, Action<T, TState> action)
    {
        long until = Interlocked.Read(ref _sequence);
        if (rooms.Length == 1 && except.Length == 0)
        {
            // A single socket or a single room: nothing to sort out.
            bool isMember = _members.TryGetValue(rooms[0], out RoomMember<T>? only);
            bool isRoom = _rooms.TryGetValue(rooms[0], out Room<T>? room);
            if (!isMember || !isRoom)
            {
                if (only is not null)
                {
                    action(only.Value, state);
                }

                room?.Visit(until, (state, action), static (membership, s) => s.action(membership.Value, s.state));
                return;
            }
        }

        HashSet<RoomMember<T>>? seen = rooms.Length == 0 || (rooms.Length == 1 && !_members.ContainsKey(rooms[0])) ? null : [];
        (TState, Action<T, TState>, string[], HashSet<RoomMember<T>>?) all = (state, action, except, seen);
        if (rooms.Length == 0)
        {
            if (except.Length == 0)
            {
                _everyone.Visit(until, (state, action), static (membership, s) => s.action(membership.Value, s.state));
                return;
            }

            _everyone.Visit(until, all, static (membership, a) => Call(membership.Member, a));
        }

        foreach (string name in rooms)
        {
            if (_members.TryGetValue(name, out RoomMember<T>? only))
            {
                Call(only, all);
            }

            if (_rooms.TryGetValue(name, out Room<T>? room))
            {
                room.Visit(until, all, static (membership, a) => Call(membership.Member, a));
            }
        }

        static void Call(RoomMember<T> member, (TState State, Action<T, TState> Action, string[] Except, HashSet<RoomMember<T>>? Seen) all)
        {
            foreach (string room in all.Except)
            {
                if (member.IsIn(room))
                {
                    return;
                }
            }

            if (all.Seen is null || all.Seen.Add(member))
            {
                all.Action(member.Value, all.State);
            }
        }
    }

    private Membership<T> Enter(RoomMember<T> member, string name, out bool isNew)
    {
        long now = _time.GetUtcNow().UtcTicks;
        while (true)
        {
            Room<T> room = _rooms.GetOrAdd(name, static n => new Room<T>(n));
            var membership = new Membership<T>(member, room, now);
            if (room.TryAdd(membership, ref _sequence, isKept: false, out isNew))
            {
                return membership;
            }

            // Its last member has just left: help to clear it away and take a new one.
            _rooms.TryRemove(KeyValuePair.Create(name, room));
        }
    }

    private void Exit(Membership<T> membership)
    {
        Room<T> room = membership.Room;
        bool isDeleted = room.Remove(membership, isKept: false);
        if (isDeleted)
        {
            _rooms.TryRemove(KeyValuePair.Create(room.Name, room));
        }

        changed(RoomChange.Left, room.Name, membership.Member.Id);
        if (isDeleted)
        {
            changed(RoomChange.Deleted, room.Name, membership.Member.Id);
        }
    }
}

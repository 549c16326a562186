using WsServer.Cluster;
using WsServer.Rooms;

namespace WsServer.Presence;

/// <summary>Who of an audience is there: from what is known, or by asking the nodes.</summary>
internal readonly struct PresenceQuery(EventNamespace ns, Audience audience)
{
    /// <summary>Answers other nodes.</summary>
    public static void Answer(NodeRequest request, EventNamespace? ns)
    {
        if (ns is null)
        {
            request.Done();
            return;
        }

        List<(EventSocket Socket, long JoinedAt)> found = new PresenceQuery(ns, request.Audience!).Here();
        var answer = new WireBuffer();
        answer.Number(found.Count);
        foreach ((EventSocket socket, long joinedAt) in found)
        {
            answer.Text(socket.Id);
            answer.Int64(joinedAt);
            answer.Metadata(socket.PresenceMetadata);
        }

        request.Done(answer);
    }

    /// <summary>The sockets of a view that are meant, each with since when it is in the first of its rooms that are asked for.</summary>
    public static IEnumerable<(PresenceMember Member, long JoinedAt)> Find(PresenceView view, Audience audience)
    {
        if (audience.Rooms.Length == 0)
        {
            return view.Members.Where(m => !IsExcept(m, audience)).Select(m => (m, m.JoinedAt));
        }

        var found = new Dictionary<PresenceMember, long>();
        foreach (string room in audience.Rooms)
        {
            if (view.Find(room) is { } only)
            {
                Add(only, only.JoinedAt);
            }

            foreach (PresenceMember member in view.In(room))
            {
                Add(member, member.Rooms[room]);
            }
        }

        return found.Select(f => (f.Key, f.Value));

        void Add(PresenceMember member, long joinedAt)
        {
            if (!IsExcept(member, audience))
            {
                found[member] = Math.Min(joinedAt, found.GetValueOrDefault(member, long.MaxValue));
            }
        }
    }

    public async Task<IReadOnlyList<PresenceEntry>> RunAsync()
    {
        List<PresenceEntry> entries;
        if (ns.Presence is not null)
        {
            await (audience.IsLocal ? Task.CompletedTask : ns.Runtime.Presence.WhenKnownAsync()).ConfigureAwait(false);
            entries = ns.Runtime.Presence.Find(audience);
        }
        else
        {
            entries = await AskAsync().ConfigureAwait(false);
        }

        entries.Sort(static (a, b) => a.JoinedAt != b.JoinedAt ? a.JoinedAt.CompareTo(b.JoinedAt) : string.CompareOrdinal(a.Sid, b.Sid));
        return entries;
    }

    private static bool IsExcept(PresenceMember member, Audience audience)
    {
        foreach (string room in audience.Except)
        {
            if (member.Sid == room || member.Rooms.ContainsKey(room))
            {
                return true;
            }
        }

        return false;
    }

    private async Task<List<PresenceEntry>> AskAsync()
    {
        EventSerializer serializer = ns.Serializer;
        ServerNode? node = ns.Runtime.Node;
        Task<IReadOnlyList<NodeReply>>? asking = audience.IsLocal ? null : node?.AskAsync(RequestKind.Presence, audience);
        List<PresenceEntry> entries = Here().ConvertAll(h => new PresenceEntry(serializer, h.Socket.Id, node?.Id ?? "", h.JoinedAt, h.Socket.PresenceMetadata));
        foreach (NodeReply reply in asking is null ? [] : await asking.ConfigureAwait(false))
        {
            Read(reply, serializer, entries);
        }

        return entries;
    }

    private static void Read(NodeReply reply, EventSerializer serializer, List<PresenceEntry> entries)
    {
        if (reply.Content.IsEmpty)
        {
            return;
        }

        var content = new WireReader(reply.Content);
        int count = content.Count();
        for (int i = 0; i < count; i++)
        {
            entries.Add(new PresenceEntry(serializer, content.Text(), reply.Node, content.Time(), content.Metadata()));
        }
    }

    private List<(EventSocket Socket, long JoinedAt)> Here()
    {
        string[] rooms = audience.Rooms;
        return new LocalSockets(ns, audience).ToList().ConvertAll(socket => (socket, JoinedAt(socket.Member, rooms)));
    }

    private static long JoinedAt(RoomMember<EventSocket> member, string[] rooms)
    {
        long since = member.Presence?.JoinedAt ?? 0;
        long first = long.MaxValue;
        foreach (string room in rooms)
        {
            first = Math.Min(first, room == member.Id ? since : member.JoinedAt(room) ?? long.MaxValue);
        }

        // One that has left meanwhile was there when it was found.
        return first == long.MaxValue ? since : first;
    }
}

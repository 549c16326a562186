using WsServer.Rooms;

namespace WsServer.Presence;

/// <summary>
/// Watches the sockets of one namespace on this node. What it is told is that something may have changed; it looks for
/// itself what is so now, and so it does not matter in which order two threads tell of what they did.
/// </summary>
internal sealed class NamespacePresence
{
    private readonly EventNamespace _namespace;
    private readonly ServerPresence _server;
    private readonly PresenceFeed _feed;

    public NamespacePresence(EventNamespace ns, ServerPresence server)
    {
        _namespace = ns;
        _server = server;
        lock (server.Gate)
        {
            PresenceView view = server.Views.Of(ns.Name);
            _feed = new PresenceFeed(ns, view, server.Gate);
            view.Feed = _feed;
        }
    }

    /// <summary>Adds a handler of changes, which is first told of those who are there.</summary>
    public void Add(Func<PresenceChange, Task> handler)
    {
        lock (_server.Gate)
        {
            _feed.Add(handler);
        }
    }

    /// <summary>The namespace ends on this node.</summary>
    public void End()
    {
        lock (_server.Gate)
        {
            if (_server.Views.Find(_namespace.Name) is { } view && view.Feed == _feed)
            {
                view.Feed = null;
                _server.Views.Trim(_namespace.Name);
            }
        }
    }

    /// <summary>The sockets that are there already.</summary>
    public void NoteAll() => _namespace.Index.Visit([], [], this, static (socket, presence) => presence.Note(socket.Id));

    /// <summary>A socket may have come, gone, or changed.</summary>
    /// <param name="sid">Which.</param>
    /// <param name="room">The room that it may have joined or left; null when it is none in particular.</param>
    public void Note(string sid, string? room = null)
    {
        lock (_server.Gate)
        {
            RoomMember<EventSocket>? there = _namespace.Index.Find(sid);
            PresenceMember? told = _server.Find(_namespace.Name, sid);
            if (told is not null && told.Source != there)
            {
                // It has gone. One that came back has the same id, and is another.
                _server.Exit(told);
                told = null;
            }

            if (there is null)
            {
                return;
            }

            if (told is null)
            {
                Enter(there);
                return;
            }

            if (room is not null)
            {
                NoteRoom(told, room, there.JoinedAt(room));
            }

            if (there.Value.PresenceMetadata is var metadata && !told.HasMetadata(metadata))
            {
                _server.Describe(told, metadata);
            }
        }
    }

    private void Enter(RoomMember<EventSocket> there)
    {
        // It is found before its place is set.
        long joinedAt = there.Presence?.JoinedAt ?? _namespace.Runtime.Time.GetUtcNow().UtcTicks;
        _server.Enter(_namespace.Name, there.Id, there, joinedAt, there.Value.PresenceMetadata, there.JoinedRooms);
    }

    private void NoteRoom(PresenceMember told, string room, long? joinedAt)
    {
        bool wasIn = told.Rooms.TryGetValue(room, out long then);
        if (wasIn && joinedAt != then)
        {
            _server.Leave(told, room);
        }

        if (joinedAt is { } at && (!wasIn || at != then))
        {
            _server.Join(told, room, at);
        }
    }
}

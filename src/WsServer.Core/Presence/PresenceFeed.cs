using WsServer.Diagnostics;

namespace WsServer.Presence;

/// <summary>
/// Tells the handlers of a namespace of changes, one after the other, apart from who makes the changes. When more wait than
/// may, what the handlers have been told is noted, and the difference to it is told when they have caught up: so nothing
/// grows without bound, and who keeps books of what it is told has them right in the end.
/// </summary>
internal sealed class PresenceFeed(EventNamespace ns, PresenceView view, Lock gate)
{
    private readonly EventSerializer _serializer = ns.Serializer;
    private readonly int _maxWaiting = ns.Runtime.Options.Presence.MaxQueuedChanges;
    private List<Waiting> _waiting = [];
    private Func<PresenceChange, Task>[] _handlers = [];
    private Dictionary<string, PresenceMember>? _told;
    private bool _isRunning;

    /// <summary>Adds a handler, which is first told of those who are there; under the gate.</summary>
    public void Add(Func<PresenceChange, Task> handler)
    {
        foreach (PresenceMember member in _told?.Values ?? view.Members)
        {
            foreach (string room in member.Rooms.Keys)
            {
                _waiting.Add(new Waiting(ToChange(PresenceChangeKind.Joined, room, member), [handler]));
            }
        }

        _handlers = [.. _handlers, handler];
        Start();
    }

    /// <summary>Something is about to change; under the gate.</summary>
    public void Prepare(PresenceView before)
    {
        if (_told is null && _waiting.Count >= _maxWaiting && _handlers.Length > 0)
        {
            _told = before.Copy();
            ns.Runtime.Logger.PresenceBehind(_waiting.Count, ns.Name);
        }
    }

    /// <summary>Something has changed; under the gate.</summary>
    public void Tell(PresenceChangeKind kind, string room, PresenceMember member)
    {
        if (_handlers.Length > 0 && _told is null)
        {
            _waiting.Add(new Waiting(ToChange(kind, room, member), _handlers));
            Start();
        }
    }

    private PresenceChange ToChange(PresenceChangeKind kind, string room, PresenceMember member) =>
        new(kind, room, new PresenceEntry(_serializer, member.Sid, member.Node, member.Rooms[room], member.Metadata));

    private void Start()
    {
        if (!_isRunning && _waiting.Count > 0)
        {
            _isRunning = true;
            // Without the context of whoever made the change: it is not theirs alone that is told.
            ThreadPool.UnsafeQueueUserWorkItem(static feed => _ = feed.RunAsync(), this, preferLocal: false);
        }
    }

    private async Task RunAsync()
    {
        while (Take() is { } batch)
        {
            foreach (Waiting waiting in batch)
            {
                await RunAsync(waiting).ConfigureAwait(false);
            }
        }
    }

    private async Task RunAsync(Waiting waiting)
    {
        foreach (Func<PresenceChange, Task> handler in waiting.Handlers)
        {
            try
            {
                await handler(waiting.Change).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                // The others are to be told, and of the next change this one, too.
                ns.Runtime.Logger.PresenceHandlerFailed(exception, waiting.Change.Room, ns.Name);
            }
        }
    }

    private List<Waiting>? Take()
    {
        lock (gate)
        {
            if (_waiting.Count == 0 && _told is { } told)
            {
                _told = null;
                view.TellSince(told);
            }

            if (_waiting.Count == 0)
            {
                _isRunning = false;
                return null;
            }

            List<Waiting> batch = _waiting;
            _waiting = [];
            return batch;
        }
    }

    private readonly record struct Waiting(PresenceChange Change, Func<PresenceChange, Task>[] Handlers);
}

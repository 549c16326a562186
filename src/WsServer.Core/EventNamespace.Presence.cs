using WsServer.Presence;

namespace WsServer;

// Who is where.
public sealed partial class EventNamespace
{
    private volatile NamespacePresence? _presence;

    internal NamespacePresence? Presence => _presence;

    /// <summary>
    /// Lets the nodes tell each other who is in the namespace and its rooms, as it changes. Then
    /// <see cref="Broadcast.PresenceAsync"/> asks nobody. To be called on all nodes, before clients come.
    /// </summary>
    public EventNamespace UsePresence()
    {
        if (_presence is null)
        {
            lock (_runtime.Presence.Gate)
            {
                _presence ??= new NamespacePresence(this, _runtime.Presence);
            }

            _presence.NoteAll();
        }

        return this;
    }

    /// <summary>
    /// Runs when a socket has joined a room, has left one, or has other metadata, on whichever node: each node tells its own
    /// program of it. A handler is first told of those who are there. Sockets' own rooms are left out.
    /// </summary>
    /// <remarks>
    /// Handlers of a namespace run one after the other, in an order that is right for each socket, and apart from everything
    /// else. Sockets of a node that is gone have left when that is noticed (<see cref="ClusterOptions.NodeTimeout"/>). Implies
    /// <see cref="UsePresence"/>.
    /// </remarks>
    public EventNamespace OnPresence(Action<PresenceChange> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return OnPresence(change =>
        {
            handler(change);
            return Task.CompletedTask;
        });
    }

    /// <inheritdoc cref="OnPresence(Action{PresenceChange})" />
    public EventNamespace OnPresence(Func<PresenceChange, Task> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        UsePresence();
        _presence!.Add(handler);
        return this;
    }

    /// <inheritdoc cref="Broadcast.PresenceAsync" />
    public Task<IReadOnlyList<PresenceEntry>> PresenceAsync() => Everyone().PresenceAsync();
}

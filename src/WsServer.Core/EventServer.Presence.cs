namespace WsServer;

// Who is where, for the root namespace.
public sealed partial class EventServer
{
    /// <inheritdoc cref="EventNamespace.UsePresence" />
    public EventNamespace UsePresence() => Root.UsePresence();

    /// <inheritdoc cref="EventNamespace.OnPresence(Action{PresenceChange})" />
    public EventNamespace OnPresence(Action<PresenceChange> handler) => Root.OnPresence(handler);

    /// <inheritdoc cref="EventNamespace.OnPresence(Action{PresenceChange})" />
    public EventNamespace OnPresence(Func<PresenceChange, Task> handler) => Root.OnPresence(handler);

    /// <inheritdoc cref="Broadcast.PresenceAsync" />
    public Task<IReadOnlyList<PresenceEntry>> PresenceAsync() => Root.PresenceAsync();
}

using WsServer.Cluster;
using WsServer.Dispatch;
using WsServer.Presence;
using WsServer.Wire;

namespace WsServer;

/// <summary>
/// A part of a namespace's sockets, and how to emit to it. Immutable: each operator gives a new one, and any may be
/// kept and shared. Several rooms are a union in which each socket counts once.
/// </summary>
public sealed class Broadcast : IEmitter
{
    private readonly EventNamespace _namespace;
    private readonly Audience _audience;
    private readonly TimeSpan? _timeout;

    internal Broadcast(EventNamespace ns)
        : this(ns, new Audience(ns.Name, [], [], IsVolatile: false), null)
    {
    }

    private Broadcast(EventNamespace ns, Audience audience, TimeSpan? timeout)
    {
        _namespace = ns;
        _audience = audience;
        _timeout = timeout;
    }

    /// <inheritdoc />
    public EventSerializer Serializer => _namespace.Serializer;

    /// <summary>Events may be dropped for a client whose outbox is full, which otherwise would end its connection. Nobody is told.</summary>
    public Broadcast Volatile => With(_audience with { IsVolatile = true, WhenSlow = null });

    /// <summary>
    /// Sets what becomes of events for a client that does not read fast enough, instead of what is set for the event
    /// (<see cref="EventNamespace.WhenSlow(string, SlowConsumerPolicy)"/>). Of this and <see cref="Volatile"/> the last counts.
    /// </summary>
    public Broadcast WhenSlow(SlowConsumerPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return With(_audience with { IsVolatile = false, WhenSlow = policy });
    }

    /// <summary>Of the sockets only those of this node. With a single node that is all of them.</summary>
    public Broadcast Local => With(_audience with { IsLocal = true });

    /// <summary>Adds the sockets in any of these rooms. A socket's id is the room that it alone is in.</summary>
    public Broadcast To(params string[] rooms) => With(_audience with { Rooms = [.. _audience.Rooms, .. Checked(rooms)] });

    /// <summary>The same as <see cref="To"/>.</summary>
    public Broadcast In(params string[] rooms) => To(rooms);

    /// <summary>Takes out the sockets in any of these rooms.</summary>
    public Broadcast Except(params string[] rooms) => With(_audience with { Except = [.. _audience.Except, .. Checked(rooms)] });

    /// <summary>Sets how long <see cref="EmitWithAcksAsync{T}(string, object?[])"/> waits; <see cref="EventServerOptions.AckTimeout"/> otherwise.</summary>
    public Broadcast Timeout(TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        return new Broadcast(_namespace, _audience, timeout);
    }

    /// <inheritdoc />
    public Task EmitAsync(string name, JsonArguments arguments)
    {
        ReservedNames.ThrowIfUnusable(name);
        var packet = new Packet(PacketKind.Event) { Namespace = _namespace.Name, Event = name, Arguments = arguments };
        _namespace.Emit(_audience, packet);
        return Task.CompletedTask;
    }

    /// <summary>Emits an event and waits until each socket has answered, has left, or the time is up.</summary>
    /// <typeparam name="T">What the clients answer with.</typeparam>
    /// <param name="name">The event's name.</param>
    /// <param name="arguments">The arguments.</param>
    /// <returns>What became of each socket, with its id. Missing answers are no exception.</returns>
    public async Task<BroadcastAcks<T>> EmitWithAcksAsync<T>(string name, params object?[] arguments)
    {
        ReservedNames.ThrowIfUnusable(name);
        EventRuntime runtime = _namespace.Runtime;
        PacketId id = runtime.NextId();
        var packet = new Packet(PacketKind.Event) { Namespace = _namespace.Name, Event = name, Id = id, Arguments = Serializer.WriteAll(arguments) };
        var collector = new AckCollector<T>(Serializer);
        Task elsewhere = Remote?.EmitWithAcksAsync(packet, collector, _timeout ?? runtime.Options.AckTimeout) ?? Task.CompletedTask;
        Here.Ask(collector, packet);
        collector.Close();
        try
        {
            await collector.Completed.WaitAsync(_timeout ?? runtime.Options.AckTimeout, runtime.Time).ConfigureAwait(false);
            await elsewhere.ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            runtime.Metrics.AckTimeout();
        }

        return collector.Finish(id);
    }

    /// <summary>How many sockets are meant now, on all nodes.</summary>
    public async Task<int> CountAsync() => Here.Count() + (Remote is { } remote ? await remote.CountAsync().ConfigureAwait(false) : 0);

    /// <summary>The sockets that are meant, as they are now, on all nodes.</summary>
    /// <returns>
    /// The sockets. Of those of other nodes <see cref="RemoteSocket.Items"/> has what JSON has a form for, and their
    /// handshakes are without cookies and credentials. A node that does not answer within
    /// <see cref="ClusterOptions.RequestTimeout"/> is left out.
    /// </returns>
    public async Task<IReadOnlyList<RemoteSocket>> FetchSocketsAsync()
    {
        Task<List<RemoteSocket>>? elsewhere = Remote?.FetchAsync(_namespace);
        List<RemoteSocket> sockets = Here.ToList().ConvertAll(socket => new RemoteSocket(socket));
        if (elsewhere is not null)
        {
            sockets.AddRange(await elsewhere.ConfigureAwait(false));
        }

        return sockets;
    }

    /// <summary>Who is there now, on all nodes, with the metadata that each socket has set: those longest there first.</summary>
    /// <returns>
    /// The sockets. In a namespace with <see cref="EventNamespace.UsePresence"/> from what this node knows of all others, and
    /// otherwise what they answer; then a node that does not within <see cref="ClusterOptions.RequestTimeout"/> is left out.
    /// </returns>
    public Task<IReadOnlyList<PresenceEntry>> PresenceAsync() => new PresenceQuery(_namespace, _audience).RunAsync();

    /// <summary>
    /// Puts the sockets into rooms. Left out is who may not be in one of them; one that is in as many as it may be stays out
    /// of more, which is logged, and so does one for whom a policy fails.
    /// </summary>
    /// <exception cref="EventException"><c>room_name_too_long</c>: a name is over <see cref="EventServerOptions.MaxRoomNameLength"/>; no socket has joined.</exception>
    public Task SocketsJoinAsync(params string[] rooms)
    {
        RoomNames.Checked(rooms, _namespace.Runtime.Options);
        return EverywhereAsync(Remote?.JoinAsync(rooms), Here.JoinAsync(rooms));
    }

    /// <summary>Takes the sockets out of rooms.</summary>
    public Task SocketsLeaveAsync(params string[] rooms)
    {
        Checked(rooms);
        Task elsewhere = Remote?.LeaveAsync(rooms) ?? Task.CompletedTask;
        Here.Leave(rooms);
        return elsewhere;
    }

    /// <summary>Puts the sockets out of the namespace.</summary>
    /// <param name="close">Whether to close their connections too.</param>
    public Task DisconnectSocketsAsync(bool close = false)
    {
        Task elsewhere = Remote?.DisconnectAsync(close) ?? Task.CompletedTask;
        Here.Disconnect(close);
        return elsewhere;
    }

    internal static string[] Checked(string[] rooms)
    {
        ArgumentNullException.ThrowIfNull(rooms);
        foreach (string room in rooms)
        {
            ArgumentException.ThrowIfNullOrEmpty(room, nameof(rooms));
        }

        return rooms;
    }

    private static Task EverywhereAsync(Task? elsewhere, Task here) => elsewhere is null ? here : Task.WhenAll(elsewhere, here);

    private LocalSockets Here => new(_namespace, _audience);

    private RemoteSockets? Remote => !_audience.IsLocal && _namespace.Runtime.Node is { } node ? new RemoteSockets(node, _audience) : null;

    private Broadcast With(Audience audience) => new(_namespace, audience, _timeout);
}

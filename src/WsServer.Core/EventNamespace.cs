using WsServer.Cluster;
using WsServer.Connections;
using WsServer.Diagnostics;
using WsServer.Dispatch;
using WsServer.Recovery;
using WsServer.Rooms;
using WsServer.Wire;

namespace WsServer;

/// <summary>
/// A namespace: handlers, middleware and rooms of its own, shared by all its sockets. Got from
/// <see cref="EventServer.Of(string)"/>.
/// </summary>
/// <remarks>Safe for concurrent use. Register handlers before clients come.</remarks>
public sealed partial class EventNamespace : EventHandlers, IEmitter
{
    private readonly EventRuntime _runtime;
    private readonly RoomIndex<EventSocket> _index;
    private readonly Broadcast _everyone;
    private Action<RoomChange, string, string>? _roomHandlers;
    private EventPolicies? _policies;

    internal EventNamespace(string name, EventRuntime runtime)
    {
        Name = name;
        _runtime = runtime;
        HandlerTable = new HandlerTable(runtime.Names);
        _index = new RoomIndex<EventSocket>(RoomChanged, runtime.Options.MaxRoomsPerSocket, runtime.Time);
        _everyone = new Broadcast(this);
        Recovery = new NamespaceRecovery(this, runtime.Recovery);
    }

    /// <summary>The name, which begins with <c>/</c>.</summary>
    public string Name { get; }

    /// <summary>How many sockets are in the namespace on this node.</summary>
    public int SocketCount => _index.Count;

    /// <summary>The rooms of this node with the number of sockets in each, as they are while enumerating. Sockets' own rooms are left out.</summary>
    public IEnumerable<KeyValuePair<string, int>> Rooms => _index.Rooms;

    /// <inheritdoc />
    public EventSerializer Serializer => _runtime.Serializer;

    private protected override HandlerTable Handlers => HandlerTable;

    internal HandlerTable HandlerTable { get; }

    internal Lifecycle Lifecycle { get; } = new();

    /// <summary>
    /// Adds admission middleware, run for each socket before it joins. It calls <c>next</c> to let it in, or throws an
    /// <see cref="EventException"/> to turn it away with a <c>connect_error</c>; returning without <c>next</c> is
    /// <c>forbidden</c>.
    /// </summary>
    public EventNamespace Use(Func<EventSocket, Func<Task>, Task> middleware)
    {
        Lifecycle.AddAdmission(middleware);
        return this;
    }

    /// <summary>Adds middleware around every event of every socket: it may check, log, throw, or set another answer.</summary>
    public EventNamespace UseEvents(Func<EventContext, Func<Task>, Task> middleware)
    {
        Lifecycle.AddEvents(middleware);
        return this;
    }

    /// <summary>Runs when a socket has joined, after its <c>connected</c> is sent.</summary>
    public EventNamespace OnConnection(Action<EventSocket> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return OnConnection(socket =>
        {
            handler(socket);
            return Task.CompletedTask;
        });
    }

    /// <summary>
    /// Runs when a socket has joined, after its <c>connected</c> is sent. The socket's events wait until the task has
    /// completed; what goes on for longer belongs into a task of its own that ends with <see cref="EventSocket.ConnectionAborted"/>.
    /// </summary>
    public EventNamespace OnConnection(Func<EventSocket, Task> handler)
    {
        Lifecycle.AddConnection(handler);
        return this;
    }

    /// <summary>Runs when a socket is going and still in its rooms.</summary>
    public EventNamespace OnDisconnecting(Action<EventSocket, DisconnectReason> handler) => OnDisconnecting(AsTask(handler));

    /// <summary>Runs when a socket is going and still in its rooms.</summary>
    public EventNamespace OnDisconnecting(Func<EventSocket, DisconnectReason, Task> handler)
    {
        Lifecycle.AddDisconnecting(handler);
        return this;
    }

    /// <summary>Runs when a socket is gone, after its last event handler.</summary>
    public EventNamespace OnDisconnect(Action<EventSocket, DisconnectReason> handler) => OnDisconnect(AsTask(handler));

    /// <summary>Runs when a socket is gone, after its last event handler.</summary>
    public EventNamespace OnDisconnect(Func<EventSocket, DisconnectReason, Task> handler)
    {
        Lifecycle.AddDisconnect(handler);
        return this;
    }

    /// <summary>Runs when a room gets its first member, with the room.</summary>
    public EventNamespace OnRoomCreated(Action<string> handler) => OnRoom(RoomChange.Created, (room, _) => handler(room));

    /// <summary>Runs when a room has lost its last member, with the room.</summary>
    public EventNamespace OnRoomDeleted(Action<string> handler) => OnRoom(RoomChange.Deleted, (room, _) => handler(room));

    /// <summary>Runs when a socket has joined a room, with the room and the socket's id. A socket's own room is not told of.</summary>
    public EventNamespace OnRoomJoined(Action<string, string> handler) => OnRoom(RoomChange.Joined, handler);

    /// <summary>Runs when a socket has left a room, with the room and the socket's id.</summary>
    public EventNamespace OnRoomLeft(Action<string, string> handler) => OnRoom(RoomChange.Left, handler);

    /// <summary>The sockets in this room. A socket's id is the room that it alone is in.</summary>
    public Broadcast To(string room)
    {
        ArgumentException.ThrowIfNullOrEmpty(room);
        return To(room.AsSpan());
    }

    /// <summary>The same. For a room that is there, nothing is allocated.</summary>
    public Broadcast To(ReadOnlySpan<char> room)
    {
        Room<EventSocket>? found = _index.FindRoom(room);
        return found is null ? To([room.ToString()]) : (Broadcast)(found.Tag ??= To([found.Name]));
    }

    /// <summary>The sockets in any of these rooms. A socket's id is the room that it alone is in.</summary>
    public Broadcast To(params string[] rooms) => Everyone().To(rooms);

    /// <summary>The same as <see cref="To(string[])"/>.</summary>
    public Broadcast In(params string[] rooms) => Everyone().To(rooms);

    /// <summary>All sockets but those in any of these rooms.</summary>
    public Broadcast Except(params string[] rooms) => Everyone().Except(rooms);

    /// <summary>All sockets of this node.</summary>
    public Broadcast Local => Everyone().Local;

    /// <summary>All sockets, with events that may be dropped for a client that does not keep up.</summary>
    public Broadcast Volatile => Everyone().Volatile;

    /// <inheritdoc cref="Broadcast.WhenSlow" />
    public Broadcast WhenSlow(SlowConsumerPolicy policy) => Everyone().WhenSlow(policy);

    /// <summary>
    /// Sets what becomes of an event for clients that do not read fast enough, however it is emitted: to all, to rooms, to
    /// one socket. An emit may say something else with <see cref="Broadcast.WhenSlow"/> or <see cref="Broadcast.Volatile"/>.
    /// Said again, it replaces what was said before.
    /// </summary>
    public EventNamespace WhenSlow(string name, SlowConsumerPolicy policy)
    {
        ReservedNames.ThrowIfUnusable(name);
        ArgumentNullException.ThrowIfNull(policy);
        LazyInitializer.EnsureInitialized(ref _policies).Set(Name, name, policy);
        return this;
    }

    /// <summary>All sockets, with another time to wait for acks.</summary>
    public Broadcast Timeout(TimeSpan timeout) => Everyone().Timeout(timeout);

    /// <inheritdoc cref="Broadcast.EmitWithAcksAsync{T}(string, object?[])" />
    public Task<BroadcastAcks<T>> EmitWithAcksAsync<T>(string name, params object?[] arguments) => Everyone().EmitWithAcksAsync<T>(name, arguments);

    /// <inheritdoc cref="Broadcast.FetchSocketsAsync" />
    public Task<IReadOnlyList<RemoteSocket>> FetchSocketsAsync() => Everyone().FetchSocketsAsync();

    /// <inheritdoc cref="Broadcast.SocketsJoinAsync" />
    public Task SocketsJoinAsync(params string[] rooms) => Everyone().SocketsJoinAsync(rooms);

    /// <inheritdoc cref="Broadcast.SocketsLeaveAsync" />
    public Task SocketsLeaveAsync(params string[] rooms) => Everyone().SocketsLeaveAsync(rooms);

    /// <inheritdoc cref="Broadcast.DisconnectSocketsAsync" />
    public Task DisconnectSocketsAsync(bool close = false) => Everyone().DisconnectSocketsAsync(close);

    /// <summary>Emits to every socket of the namespace.</summary>
    public Task EmitAsync(string name, JsonArguments arguments) => Everyone().EmitAsync(name, arguments);

    /// <summary>The socket with this id on this node, or null.</summary>
    public EventSocket? FindSocket(string sid) => _index.Find(sid)?.Value;

    internal RoomIndex<EventSocket> Index => _index;

    internal EventRuntime Runtime => _runtime;

    internal NamespaceRecovery Recovery { get; }

    internal Broadcast Everyone() => _everyone;

    /// <summary>On which terms an event may be lost for a client that lags; null when it may not.</summary>
    internal DropTerms? TermsOf(in Packet packet, Audience? audience = null)
    {
        if (!packet.Id.IsNone)
        {
            // Who waits for an ack is not to wait for one of an event that never came.
            return null;
        }

        return audience switch
        {
            { IsVolatile: true } => DropTerms.Volatile,
            { WhenSlow: { } policy } => policy.TermsFor(Name, packet.Event, packet.Arguments),
            _ => _policies?.TermsOf(Name, packet),
        };
    }

    /// <summary>Gives a packet to the sockets that are meant, on all nodes.</summary>
    internal void Emit(Audience audience, in Packet packet) => Deliver(audience, packet, audience.IsLocal ? null : _runtime.Node);

    /// <summary>Gives a packet to the sockets of this node that are meant.</summary>
    /// <param name="audience">Who is meant.</param>
    /// <param name="packet">The packet.</param>
    /// <param name="node">Where to publish it for other nodes; null where that is not wanted.</param>
    /// <param name="origin">Where it was emitted, if that was on another node.</param>
    internal void Deliver(Audience audience, in Packet packet, ServerNode? node = null, Origin origin = default)
    {
        // First of all, as it may run code of the program's.
        DropTerms? terms = TermsOf(packet, audience);
        Gathering gathering = Gathering.Open();
        long start = _runtime.Time.GetTimestamp();
        bool isForTheLog = !audience.IsVolatile && packet.Id.IsNone;
        bool isUnlogged = isForTheLog && !Recovery.IsActive && Recovery.TryBeginUnlogged();
        try
        {
            if (isForTheLog && !isUnlogged)
            {
                // The log keeps the arguments for longer than their memory may be the packet's.
                PostLogged(audience, packet.Copy(), terms, node, origin);
            }
            else
            {
                node?.Publish(audience, packet);
                Post(audience, packet, terms);
            }
        }
        finally
        {
            if (isUnlogged)
            {
                Recovery.EndUnlogged();
            }

            gathering.Close();
            gathering.Spend(_runtime.Time.GetElapsedTime(start));
        }
    }

    private void PostLogged(Audience audience, in Packet packet, DropTerms? terms, ServerNode? node, Origin origin)
    {
        Gathering gathering = Gathering.Current!;
        bool heldAll = gathering.HoldsAll;
        gathering.HoldsAll = true;
        try
        {
            lock (Recovery.Gate)
            {
                // Within the gate: numbers of this node's events rise in the log, too.
                if (node is not null)
                {
                    origin = new Origin(node.Id, node.Publish(audience, packet));
                }

                Post(audience, packet with { Seq = Recovery.Log(audience, packet, origin) }, terms);
            }
        }
        finally
        {
            gathering.HoldsAll = heldAll;
        }
    }

    private void Post(Audience audience, in Packet packet, DropTerms? terms)
    {
        using OutgoingPacket outgoing = OutgoingPacket.Rent(packet, terms);
        if (audience.Sid is { } sid)
        {
            FindSocket(sid)?.Post(outgoing);
            return;
        }

        _index.Visit(audience.Rooms, audience.Except, outgoing, static (socket, packet) => socket.Post(packet));
    }

    private void NoteInterest(ServerNode node, RoomChange change, string room)
    {
        if (change == RoomChange.Created)
        {
            node.Interest.Add(node.Channels.OfRoom(Name, room));
        }
        else if (change == RoomChange.Deleted)
        {
            node.Interest.Remove(node.Channels.OfRoom(Name, room));
        }
    }

    private static Func<EventSocket, DisconnectReason, Task> AsTask(Action<EventSocket, DisconnectReason> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return (socket, reason) =>
        {
            handler(socket, reason);
            return Task.CompletedTask;
        };
    }

    private EventNamespace OnRoom(RoomChange change, Action<string, string> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        _roomHandlers += (happened, room, sid) =>
        {
            if (happened == change)
            {
                handler(room, sid);
            }
        };
        return this;
    }

    private void RoomChanged(RoomChange change, string room, string sid)
    {
        if (_runtime.Node is { } node)
        {
            NoteInterest(node, change, room);
        }

        if (change is RoomChange.Joined or RoomChange.Left)
        {
            _presence?.Note(sid, room);
        }

        foreach (Action<RoomChange, string, string> handler in Delegate.EnumerateInvocationList(_roomHandlers))
        {
            try
            {
                handler(change, room, sid);
            }
            catch (Exception exception)
            {
                // Whoever joins or leaves is not to blame for who watches.
                _runtime.Logger.RoomHandlerFailed(exception, room, Name);
            }
        }
    }
}

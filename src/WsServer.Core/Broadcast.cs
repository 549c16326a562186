using WsServer.Access;
using WsServer.Diagnostics;
using WsServer.Dispatch;
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
        _namespace.Deliver(_audience, packet);
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
        using (OutgoingPacket outgoing = OutgoingPacket.Rent(packet))
        {
            _namespace.Index.Visit(
                _audience.Rooms, _audience.Except, (collector, id, outgoing), static (socket, state) => state.collector.Ask(socket, state.id, state.outgoing));
        }

        collector.Seal();
        try
        {
            await collector.Completed.WaitAsync(_timeout ?? runtime.Options.AckTimeout, runtime.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            runtime.Metrics.AckTimeout();
        }

        return collector.Finish(id);
    }

    /// <summary>How many sockets are meant now.</summary>
    public Task<int> CountAsync()
    {
        if (_audience is { Rooms.Length: 1, Except.Length: 0 })
        {
            return Task.FromResult(_namespace.Index.CountIn(_audience.Rooms[0]));
        }

        var count = new System.Runtime.CompilerServices.StrongBox<int>();
        Visit(count, static (_, c) => c.Value++);
        return Task.FromResult(count.Value);
    }

    /// <summary>The sockets that are meant, as they are now.</summary>
    public Task<IReadOnlyList<RemoteSocket>> FetchSocketsAsync()
    {
        var sockets = new List<RemoteSocket>();
        Visit(sockets, static (socket, all) => all.Add(new RemoteSocket(socket)));
        return Task.FromResult<IReadOnlyList<RemoteSocket>>(sockets);
    }

    /// <summary>
    /// Puts the sockets into rooms. Left out is who may not be in one of them; one that is in as many as it may be stays out
    /// of more, which is logged, and so does one for whom a policy fails.
    /// </summary>
    /// <exception cref="EventException"><c>room_name_too_long</c>: a name is over <see cref="EventServerOptions.MaxRoomNameLength"/>; no socket has joined.</exception>
    public Task SocketsJoinAsync(params string[] rooms)
    {
        RoomNames.Checked(rooms, _namespace.Runtime.Options);
        if (_namespace.Access is { } access && access.GuardsAny(rooms))
        {
            return JoinGuardedAsync(access, rooms);
        }

        Visit(rooms, static (socket, all) =>
        {
            if (!socket.TryJoin(all))
            {
                NoteTooManyRooms(socket);
            }
        });
        return Task.CompletedTask;
    }

    /// <summary>Takes the sockets out of rooms.</summary>
    public Task SocketsLeaveAsync(params string[] rooms)
    {
        Checked(rooms);
        Visit(rooms, static (socket, all) => socket.Leave(all));
        return Task.CompletedTask;
    }

    /// <summary>Puts the sockets out of the namespace.</summary>
    /// <param name="close">Whether to close their connections too.</param>
    public Task DisconnectSocketsAsync(bool close = false)
    {
        Visit(close, static (socket, isClose) => socket.Disconnect(isClose));
        return Task.CompletedTask;
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

    private async Task JoinGuardedAsync(NamespaceAccess access, string[] rooms)
    {
        var sockets = new List<EventSocket>();
        Visit(sockets, static (socket, all) => all.Add(socket));
        foreach (EventSocket socket in sockets)
        {
            try
            {
                if (await access.TryJoinAsync(socket, rooms).ConfigureAwait(false) is { Code: ErrorCodes.TooManyRooms })
                {
                    NoteTooManyRooms(socket);
                }
            }
            catch (Exception exception)
            {
                // It stays out, and the others are not to.
                _namespace.Runtime.Logger.LifecycleFailed(exception, "authorization", socket.Id, _namespace.Name);
            }
        }
    }

    private static void NoteTooManyRooms(EventSocket socket)
    {
        EventRuntime runtime = socket.Namespace.Runtime;
        runtime.Refusals.TooManyRooms(socket.Id, runtime.Options.MaxRoomsPerSocket);
    }

    private Broadcast With(Audience audience) => new(_namespace, audience, _timeout);

    private void Visit<TState>(TState state, Action<EventSocket, TState> action) =>
        _namespace.Index.Visit(_audience.Rooms, _audience.Except, state, action);
}

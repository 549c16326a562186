using System.Collections.Concurrent;
using System.Security.Claims;
using Microsoft.Extensions.DependencyInjection;
using WsServer.Access;
using WsServer.Connections;
using WsServer.Dispatch;
using WsServer.Recovery;
using WsServer.Rooms;
using WsServer.Wire;

namespace WsServer;

/// <summary>One client in one namespace.</summary>
/// <remarks>
/// Safe for concurrent use. Emitting to a socket that is gone does nothing; awaiting its ack fails with
/// <c>not_connected</c>.
/// </remarks>
public sealed partial class EventSocket : EventHandlers, IEmitter
{
    private readonly Outbox _outbox;
    private readonly SocketLife _life;
    private readonly RoomMember<EventSocket> _member;
    private volatile bool _isIn;
    private ConcurrentDictionary<object, object?>? _items;
    private IServiceScope? _scope;
    private ClaimsPrincipal? _user;
    private volatile Credential? _own;

    internal EventSocket(EventNamespace ns, Handshake handshake, Outbox outbox, ISocketOwner owner, SocketRecovery? recovery = null)
    {
        Namespace = ns;
        Handshake = handshake;
        Recovery = recovery;
        _outbox = outbox;
        _member = new RoomMember<EventSocket>(ns.Runtime.NewSid(), this, outbox);
        _life = new SocketLife(this, ns.Runtime, outbox, owner);
    }

    /// <summary>The public id, unique and not to be guessed; also the name of the socket's own room.</summary>
    public string Id => _member.Id;

    /// <summary>The namespace.</summary>
    public EventNamespace Namespace { get; }

    /// <summary>How the socket came.</summary>
    public Handshake Handshake { get; }

    /// <summary>
    /// Who the socket acts for: whom the program has set, or else whom the token of the client's <c>connect</c> stands for,
    /// or the credentials that the connection was refreshed with, or at first <see cref="Handshake.User"/>.
    /// </summary>
    public ClaimsPrincipal User
    {
        get => _user ?? CredentialUser;
        set => _user = value;
    }

    /// <summary>Whatever handlers want to keep with the socket. Safe for concurrent use.</summary>
    public IDictionary<object, object?> Items => AllItems;

    /// <summary>Services that live as long as the socket.</summary>
    public IServiceProvider Services
    {
        get
        {
            lock (_member)
            {
                return (_scope ??= Namespace.Runtime.Scopes.CreateAsyncScope()).ServiceProvider;
            }
        }
    }

    /// <summary>Whether the socket is in its namespace.</summary>
    public bool Connected => _life.IsConnected;

    /// <summary>
    /// Whether the client has come back after its connection was cut, and so has its id, its rooms and its
    /// <see cref="Items"/> again and has been sent what it missed.
    /// </summary>
    public bool Recovered => Recovery is { IsRecovered: true };

    /// <summary>Cancelled as soon as the socket goes.</summary>
    public CancellationToken ConnectionAborted => _life.Aborted;

    /// <summary>The rooms it is in, its own first.</summary>
    public IReadOnlyList<string> Rooms => _member.Rooms;

    /// <inheritdoc />
    public EventSerializer Serializer => Namespace.Serializer;

    /// <summary>Every other socket of the namespace.</summary>
    public Broadcast Broadcast => Namespace.Except(Id);

    /// <summary>This socket, with events that may be dropped when the client does not keep up.</summary>
    public Broadcast Volatile => Namespace.To(Id).Volatile;

    /// <summary>This socket, with a policy for when its client does not read fast enough.</summary>
    public Broadcast WhenSlow(SlowConsumerPolicy policy) => Namespace.To(Id).WhenSlow(policy);

    /// <summary>Whether it is in its namespace: what its life knows, where a broadcast need not go for it.</summary>
    internal bool IsIn
    {
        get => _isIn;
        set => _isIn = value;
    }

    /// <summary>Credentials that are for this socket alone; null when those of the connection hold.</summary>
    internal Credential? Own
    {
        get => _own;
        set => _own = value;
    }

    /// <summary>What has taken the place of the handshake's credentials, if anything.</summary>
    internal Credential? Credential => Own ?? _life.Owner.Credential;

    /// <summary>How many tokens of its connection are looked at.</summary>
    internal TokenBudget TokenBudget => _life.Owner.TokenBudget;

    /// <summary>Whom its credentials stand for, whatever the program has set.</summary>
    internal ClaimsPrincipal CredentialUser => Credential?.User ?? Handshake.User;

    /// <summary>Null when its client cannot come back.</summary>
    internal SocketRecovery? Recovery { get; }

    /// <summary>What the program has kept with it.</summary>
    internal KeptState KeptState
    {
        get => new(_items, _user) { Presence = PresenceMetadata };
        private set => (_items, _user, _presenceMetadata) = (value.Items, value.User, value.Presence);
    }

    internal SocketLife Life => _life;

    internal RoomMember<EventSocket> Member => _member;

    internal HandlerTable? OwnHandlers { get; private set; }

    private protected override HandlerTable Handlers
    {
        get
        {
            lock (_member)
            {
                return OwnHandlers ??= new HandlerTable(names: null);
            }
        }
    }

    /// <summary>State of one type that handlers keep with the socket; made when first asked for.</summary>
    public TState Get<TState>()
        where TState : class, new() => (TState)AllItems.GetOrAdd(typeof(TState), static _ => new TState())!;

    /// <summary>Joins rooms. Joining one again does nothing.</summary>
    /// <exception cref="EventException">
    /// <c>too_many_rooms</c>: it is in <see cref="EventServerOptions.MaxRoomsPerSocket"/>; it has joined those of
    /// <paramref name="rooms"/> before the first that is one too many. <c>room_name_too_long</c>: a name is over
    /// <see cref="EventServerOptions.MaxRoomNameLength"/>; it has joined none. Or a policy does not let it be in one of them:
    /// then it has joined none, either.
    /// </exception>
    public Task JoinAsync(params string[] rooms)
    {
        RoomNames.Checked(rooms, Namespace.Runtime.Options);
        if (Namespace.Access is { } access && access.GuardsAny(rooms))
        {
            return access.JoinAsync(this, rooms);
        }

        if (!TryJoin(rooms))
        {
            throw new EventException(TooManyRooms());
        }

        return WhenHeard(rooms);
    }

    /// <summary>Ends when what other nodes emit to these rooms arrives here.</summary>
    internal Task WhenHeard(string[] rooms) => Namespace.Runtime.Node is { } node ? node.Interest.WhenReady(node.Channels, Namespace.Name, rooms) : Task.CompletedTask;

    /// <summary>Leaves rooms. The socket's own room cannot be left.</summary>
    public Task LeaveAsync(params string[] rooms)
    {
        Leave(WsServer.Broadcast.Checked(rooms));
        return Task.CompletedTask;
    }

    /// <summary>The other sockets in any of these rooms.</summary>
    public Broadcast To(params string[] rooms) => Broadcast.To(rooms);

    /// <summary>The same as <see cref="To"/>.</summary>
    public Broadcast In(params string[] rooms) => Broadcast.To(rooms);

    /// <summary>The other sockets but those in any of these rooms.</summary>
    public Broadcast Except(params string[] rooms) => Broadcast.Except(rooms);

    /// <summary>Emits to this socket.</summary>
    public Task EmitAsync(string name, JsonArguments arguments)
    {
        ReservedNames.ThrowIfUnusable(name);
        bool isConnected = _life.IsConnected;
        var packet = new Packet(PacketKind.Event) { Namespace = Namespace.Name, Event = name, Arguments = arguments };
        if (Recovery is { Session: not null } recovery && (isConnected || recovery.IsCutOff))
        {
            // Also when the client is away: it is given what it missed when it comes back, which may be on another node.
            Audience self = recovery.Self ??= new Audience(Namespace.Name, [], [], IsVolatile: false) { Sid = Id };
            Namespace.Deliver(self, packet, isConnected ? null : Namespace.Runtime.Node);
        }
        else if (isConnected)
        {
            _outbox.Post(packet, Namespace.TermsOf(packet));
        }

        return Task.CompletedTask;
    }

    /// <summary>Emits an event without arguments to this socket and waits for its ack.</summary>
    /// <inheritdoc cref="EmitWithAckAsync(string, JsonArguments, TimeSpan?, CancellationToken)" />
    public Task<T> EmitAsync<T>(string name, TimeSpan timeout) => AckAsync<T>(name, default, timeout, default);

    /// <summary>Emits an event with one argument to this socket and waits for its ack.</summary>
    /// <inheritdoc cref="EmitWithAckAsync(string, JsonArguments, TimeSpan?, CancellationToken)" />
    public Task<T> EmitAsync<T>(string name, object? data, TimeSpan timeout) => AckAsync<T>(name, Serializer.Write(data), timeout, default);

    /// <summary>Emits an event to this socket and waits for its ack for <see cref="EventServerOptions.AckTimeout"/>.</summary>
    /// <inheritdoc cref="EmitWithAckAsync(string, JsonArguments, TimeSpan?, CancellationToken)" />
    public Task<T> EmitWithAckAsync<T>(string name, params object?[] arguments) => AckAsync<T>(name, Serializer.WriteAll(arguments), null, default);

    /// <summary>Emits an event to this socket and waits for its ack, which is given as it came.</summary>
    /// <exception cref="EventException">
    /// <c>timeout</c>: no answer came in time. <c>not_connected</c>: the client left. <c>too_many_pending_acks</c>: it
    /// owes as many as it may. Otherwise the error that the client answered with.
    /// </exception>
    public async Task<JsonArguments> EmitWithAckAsync(string name, JsonArguments arguments, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ReservedNames.ThrowIfUnusable(name);
        EventRuntime runtime = Namespace.Runtime;
        PacketId id = runtime.NextId();
        var waiter = new AckWaiter();
        using (OutgoingPacket outgoing = OutgoingPacket.Rent(new Packet(PacketKind.Event) { Namespace = Namespace.Name, Event = name, Id = id, Arguments = arguments }))
        {
            Ask(id, waiter, outgoing);
        }

        try
        {
            return await waiter.Answer.WaitAsync(timeout ?? runtime.Options.AckTimeout, runtime.Time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            runtime.Metrics.AckTimeout();
            throw new EventException(ErrorCodes.Timeout, $"The client gave no ack for '{name}' in time.");
        }
        finally
        {
            Forget(id);
        }
    }

    /// <summary>Puts the socket out of its namespace. What was emitted to it before is still sent.</summary>
    /// <param name="close">Whether to close its connection too, and with it the client's other namespaces.</param>
    public Task DisconnectAsync(bool close = false)
    {
        Disconnect(close);
        return Task.CompletedTask;
    }

    /// <summary>Joins rooms up to the first that is one too many; false when there is one.</summary>
    internal bool TryJoin(string[] rooms)
    {
        foreach (string room in rooms)
        {
            if (Recovery is { } recovery)
            {
                Namespace.Recovery.NoteJoin(recovery, room);
            }

            if (!Namespace.Index.Join(_member, room))
            {
                if (Recovery is { } noted)
                {
                    Namespace.Recovery.NoteLeave(noted, room);
                }

                return false;
            }
        }

        return true;
    }

    /// <summary>What is said of a room too many.</summary>
    internal EventError TooManyRooms()
    {
        int limit = Namespace.Runtime.Options.MaxRoomsPerSocket;
        return new EventError(ErrorCodes.TooManyRooms, $"A socket may be in {limit} rooms.", new() { ["limit"] = limit });
    }

    internal void Leave(string[] rooms)
    {
        foreach (string room in rooms)
        {
            Namespace.Index.Leave(_member, room);
            if (Recovery is { } recovery)
            {
                Namespace.Recovery.NoteLeave(recovery, room);
            }
        }
    }

    /// <summary>Enters its namespace.</summary>
    internal void Enter()
    {
        Namespace.Index.Add(_member);
        Namespace.Presence?.Note(Id);
    }

    /// <summary>Leaves its namespace and all rooms.</summary>
    /// <param name="left">Gets the rooms that it was in, without its own.</param>
    internal void LeaveAll(ICollection<string>? left = null)
    {
        Namespace.Index.Remove(_member, left);
        Namespace.Presence?.Note(Id);
    }

    internal void ForgetUser() => _user = null;

    internal void Disconnect(bool close) => _life.PutOut(close);

    /// <summary>Becomes another one; only while it is not among the members of its namespace.</summary>
    internal void Become(string id, KeptState state)
    {
        _member.Reset(id);
        KeptState = state;
    }

    internal bool Post(OutgoingPacket packet)
    {
        if (Recovery is { } recovery && packet.Packet.Seq > 0)
        {
            // Whether it is taken or not: it was meant for this one.
            recovery.LastSeq = packet.Packet.Seq;
        }

        return (IsIn || _life.IsConnected) && _outbox.Post(packet);
    }

    /// <summary>Emits an event that wants an ack.</summary>
    internal void Ask(PacketId id, IAckWaiter waiter, OutgoingPacket packet)
    {
        _life.Acks.Add(id, waiter, Id);
        if (!Post(packet))
        {
            Forget(id);
            waiter.Gone(Id);
        }
    }

    internal void Forget(PacketId id) => _life.Acks.Remove(id);

    internal ValueTask DisposeServicesAsync()
    {
        IServiceScope? scope;
        lock (_member)
        {
            scope = _scope;
        }

        // Not under the lock: a service that is disposed may emit.
        return scope is IAsyncDisposable disposable ? disposable.DisposeAsync() : ValueTask.CompletedTask;
    }

    // Made when first asked for: most sockets keep nothing.
    private ConcurrentDictionary<object, object?> AllItems => _items ?? Interlocked.CompareExchange(ref _items, new(), null) ?? _items;

    private async Task<T> AckAsync<T>(string name, JsonArguments arguments, TimeSpan? timeout, CancellationToken cancellationToken) =>
        Serializer.Read<T>(await EmitWithAckAsync(name, arguments, timeout, cancellationToken).ConfigureAwait(false));
}

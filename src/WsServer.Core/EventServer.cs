using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using WsServer.Cluster;
using WsServer.Connections;
using WsServer.Diagnostics;
using WsServer.Dispatch;
using WsServer.Limits;
using WsServer.Presence;
using WsServer.Recovery;
using WsServer.Wire;

namespace WsServer;

/// <summary>
/// The event server: its namespaces, and the connections that reach them. Handlers and emits on it are those of the
/// root namespace <c>/</c>. Got from <c>MapEvents</c> or from the services.
/// </summary>
/// <remarks>Safe for concurrent use.</remarks>
public sealed partial class EventServer : EventHandlers, IEmitter, IDisposable
{
    private readonly EventRuntime _runtime;
    private readonly NamespaceTable _namespaces;
    private readonly JsonPacketCodec _codec;
    private readonly Lazy<Heartbeat> _heartbeat;
    private readonly ConnectionSettings _connectionSettings;
    private readonly ConnectionLimiter _limiter;
    private readonly OutboxSettings _outboxSettings;
    private readonly ConcurrentDictionary<Connection, Session> _open = new();
    private readonly MemoryWatch _memory;
    private readonly DateTimeOffset _startedAt;
    private readonly ServerSideEvents? _serverSide;

    internal EventServer(EventRuntime runtime)
    {
        EventServerOptions options = runtime.Options;
        _runtime = runtime;
        _startedAt = runtime.Time.GetUtcNow();
        _namespaces = new NamespaceTable(runtime);
        _codec = new JsonPacketCodec(new EnvelopeLimits(options.MaxEventNameLength, options.MaxJsonDepth), runtime.Names);
        _limiter = new ConnectionLimiter(options, runtime.Time, runtime.Refusals, runtime.Metrics);
        _heartbeat = new(() => new Heartbeat(_open.Select(o => o.Key), options, runtime.Time, runtime.Logger, Tick));
        _memory = new MemoryWatch(options.MemoryPressure, runtime.Memory, runtime.Time, runtime.Logger);
        Places = new ConnectionPlaces(options.MaxConnections, DescriptorLimit.Read(), _memory, runtime.Logger, runtime.Refusals);
        Watch = runtime.Watch = new HandlerWatch(_open.Select(o => o.Value), options.HungHandlerAfter, runtime.Time, runtime.Logger);
        runtime.Metrics.ObserveHandlers(() => Watch.Dump().Count, () => Watch.Hung);
        RateLimit? rate = RateLimit.From(RateScopes.Connection, options.Limits.PerConnection, runtime.Time);
        _connectionSettings = new ConnectionSettings(options, runtime.Time, runtime.Logger, new RateSettings(rate, runtime.Time, runtime.Metrics, runtime.Refusals));
        _outboxSettings = new OutboxSettings(
            options.MaxOutboxBytes, options.ErrorBudget, runtime.Time, runtime.Metrics, runtime.Logger, options.FanOutShardSize, options.MaxDroppableBytes);
        runtime.Recovery.Released = _namespaces.Release;
        if (runtime.Backplane is { } backplane)
        {
            runtime.Node = new ServerNode(backplane, runtime);
            RemoteCalls.Serve(runtime.Node, _namespaces, runtime);
            _serverSide = ServerSideEvents.Serve(runtime.Node, _namespaces, runtime);
            runtime.Moves = SessionMoves.Serve(runtime.Node, _namespaces, runtime);
        }

        runtime.Presence = new ServerPresence(runtime, _namespaces);
        Root = _namespaces.GetOrAdd("/");
    }

    /// <summary>The root namespace, <c>/</c>.</summary>
    public EventNamespace Root { get; }

    /// <summary>The namespaces there are now.</summary>
    public IReadOnlyCollection<EventNamespace> Namespaces => _namespaces.All;

    /// <summary>How many connections are open on this node.</summary>
    public int ConnectionCount => Places.Taken;

    /// <summary>
    /// Whether one more connection would be taken: there are fewer than <see cref="EventServerOptions.MaxConnections"/> and
    /// than the process has descriptors for, there is memory (see <see cref="EventServerOptions.MemoryPressure"/>), and the
    /// server does not stop. While it waits out its <see cref="EventServerOptions.DrainDelay"/> it still takes some.
    /// </summary>
    public bool TakesConnections => !_runtime.IsStopping && Places.Refusal is null;

    /// <inheritdoc />
    public EventSerializer Serializer => _runtime.Serializer;

    /// <summary>The names that the program has given to events and namespaces, for a codec that is to make no strings of them.</summary>
    public NameTable Names => _runtime.Names;

    private protected override HandlerTable Handlers => Root.HandlerTable;

    internal EventRuntime Runtime => _runtime;

    internal ConnectionLimiter Limiter => _limiter;

    internal ConnectionPlaces Places { get; }

    internal HandlerWatch Watch { get; }

    /// <summary>Whether clients should be sent here: until it is asked to stop.</summary>
    internal bool IsReady => _runtime.IsReady;

    /// <summary>
    /// A log for what belongs to the server, such as a transport: one that cannot be written throws nothing at who logs.
    /// </summary>
    /// <param name="category">Its category.</param>
    public Microsoft.Extensions.Logging.ILogger CreateLogger(string category) => new SteadyLogger(_runtime.Loggers.CreateLogger(category), _runtime.Metrics);

    /// <summary>
    /// The handlers that run now, the longest first: also those of sockets that are gone, as long as they have not
    /// returned. A look at every connection, so not for a hot path.
    /// </summary>
    public IReadOnlyList<RunningHandler> GetRunningHandlers() => Watch.Dump();

    /// <summary>The namespace of this name, which is made when there is none.</summary>
    /// <param name="name">Begins with <c>/</c>, is no longer than <see cref="EventServerOptions.MaxEventNameLength"/>.</param>
    public EventNamespace Of(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name[0] != '/' || name.Length > _runtime.Options.MaxEventNameLength)
        {
            throw new ArgumentException($"A namespace begins with '/' and has at most {_runtime.Options.MaxEventNameLength} characters.", nameof(name));
        }

        return _namespaces.GetOrAdd(name);
    }

    /// <summary>Lets clients open namespaces by name. Each is made for its first socket and goes with its last.</summary>
    /// <param name="matches">Whether there may be a namespace of this name. Quick, and free of side effects.</param>
    /// <param name="configure">Registers the handlers of a new one, before its first socket joins.</param>
    public void Of(Func<string, bool> matches, Action<EventNamespace> configure)
    {
        ArgumentNullException.ThrowIfNull(matches);
        ArgumentNullException.ThrowIfNull(configure);
        _namespaces.AddRule(matches, configure);
    }

    /// <inheritdoc cref="EventNamespace.Use" />
    public EventNamespace Use(Func<EventSocket, Func<Task>, Task> middleware) => Root.Use(middleware);

    /// <inheritdoc cref="EventNamespace.UseEvents" />
    public EventNamespace UseEvents(Func<EventContext, Func<Task>, Task> middleware) => Root.UseEvents(middleware);

    /// <inheritdoc cref="EventNamespace.OnConnection(Action{EventSocket})" />
    public EventNamespace OnConnection(Action<EventSocket> handler) => Root.OnConnection(handler);

    /// <inheritdoc cref="EventNamespace.OnConnection(Func{EventSocket, Task})" />
    public EventNamespace OnConnection(Func<EventSocket, Task> handler) => Root.OnConnection(handler);

    /// <inheritdoc cref="EventNamespace.OnDisconnecting(Action{EventSocket, DisconnectReason})" />
    public EventNamespace OnDisconnecting(Action<EventSocket, DisconnectReason> handler) => Root.OnDisconnecting(handler);

    /// <inheritdoc cref="EventNamespace.OnDisconnecting(Func{EventSocket, DisconnectReason, Task})" />
    public EventNamespace OnDisconnecting(Func<EventSocket, DisconnectReason, Task> handler) => Root.OnDisconnecting(handler);

    /// <inheritdoc cref="EventNamespace.OnDisconnect(Action{EventSocket, DisconnectReason})" />
    public EventNamespace OnDisconnect(Action<EventSocket, DisconnectReason> handler) => Root.OnDisconnect(handler);

    /// <inheritdoc cref="EventNamespace.OnDisconnect(Func{EventSocket, DisconnectReason, Task})" />
    public EventNamespace OnDisconnect(Func<EventSocket, DisconnectReason, Task> handler) => Root.OnDisconnect(handler);

    /// <inheritdoc cref="EventNamespace.To(string)" />
    public Broadcast To(string room) => Root.To(room);

    /// <inheritdoc cref="EventNamespace.To(ReadOnlySpan{char})" />
    public Broadcast To(ReadOnlySpan<char> room) => Root.To(room);

    /// <inheritdoc cref="EventNamespace.To(string[])" />
    public Broadcast To(params string[] rooms) => Root.To(rooms);

    /// <inheritdoc cref="EventNamespace.In" />
    public Broadcast In(params string[] rooms) => Root.In(rooms);

    /// <inheritdoc cref="EventNamespace.Except" />
    public Broadcast Except(params string[] rooms) => Root.Except(rooms);

    /// <inheritdoc cref="EventNamespace.Volatile" />
    public Broadcast Volatile => Root.Volatile;

    /// <inheritdoc cref="Broadcast.WhenSlow" />
    public Broadcast WhenSlow(SlowConsumerPolicy policy) => Root.WhenSlow(policy);

    /// <inheritdoc cref="EventNamespace.WhenSlow(string, SlowConsumerPolicy)" />
    public EventNamespace WhenSlow(string name, SlowConsumerPolicy policy) => Root.WhenSlow(name, policy);

    /// <inheritdoc cref="EventNamespace.Timeout" />
    public Broadcast Timeout(TimeSpan timeout) => Root.Timeout(timeout);

    /// <inheritdoc cref="Broadcast.EmitWithAcksAsync{T}(string, object?[])" />
    public Task<BroadcastAcks<T>> EmitWithAcksAsync<T>(string name, params object?[] arguments) => Root.EmitWithAcksAsync<T>(name, arguments);

    /// <inheritdoc cref="Broadcast.FetchSocketsAsync" />
    public Task<IReadOnlyList<RemoteSocket>> FetchSocketsAsync() => Root.FetchSocketsAsync();

    /// <inheritdoc cref="Broadcast.SocketsJoinAsync" />
    public Task SocketsJoinAsync(params string[] rooms) => Root.SocketsJoinAsync(rooms);

    /// <inheritdoc cref="Broadcast.SocketsLeaveAsync" />
    public Task SocketsLeaveAsync(params string[] rooms) => Root.SocketsLeaveAsync(rooms);

    /// <inheritdoc cref="Broadcast.DisconnectSocketsAsync" />
    public Task DisconnectSocketsAsync(bool close = false) => Root.DisconnectSocketsAsync(close);

    /// <summary>Emits to every socket of the root namespace.</summary>
    public Task EmitAsync(string name, JsonArguments arguments) => Root.EmitAsync(name, arguments);

    /// <summary>
    /// Runs one client over a transport of your own until it ends; the client shares namespaces and rooms with all
    /// others. The transport is disposed. <c>MapEvents</c> does this for WebSockets.
    /// </summary>
    /// <param name="transport">How messages come and go.</param>
    /// <param name="handshake">How the client came; an empty one by default.</param>
    /// <param name="ns">The namespace it joins by itself; null when it is in none until it asks to join one.</param>
    /// <param name="codec">
    /// How messages are encoded; the JSON envelope by default. With one that <see cref="IPacketCodec.SupportsRecovery"/> the
    /// client can come back after the transport has ended.
    /// </param>
    /// <param name="place">
    /// The client's place among the connections of its address and its user, if it was taken before (see
    /// <c>TryTakeEventPlace</c>); the caller gives it back. Without, one is taken for the handshake, and a client for
    /// whom there is none is closed with 1013.
    /// </param>
    /// <returns>Why it ended.</returns>
    /// <exception cref="ArgumentException">There is no such namespace.</exception>
    public async Task<DisconnectReason> RunAsync(
        ITransport transport, Handshake? handshake = null, string? ns = "/", IPacketCodec? codec = null, ClientPlace? place = null)
    {
        ArgumentNullException.ThrowIfNull(transport);
        if (ns is not null && !Exists(ns))
        {
            throw new ArgumentException($"There is no namespace '{ns}'.", nameof(ns));
        }

        handshake ??= new Handshake { Time = _runtime.Time.GetUtcNow() };
        using ClientPlace? taken = place is null && _limiter.TryAttempt(handshake.Address, out _) ? _limiter.TryEnter(handshake.Address, handshake.FoundUser) : null;
        if ((place ?? taken) is not { } own || !TryReserve())
        {
            await RefuseAsync(transport).ConfigureAwait(false);
            return DisconnectReason.ServerNamespaceDisconnect;
        }

        return await RunReservedAsync(transport, handshake, ns ?? "", codec ?? _codec, own).ConfigureAwait(false);
    }

    /// <summary>Stops the timers. The services do it when the host ends.</summary>
    public void Dispose()
    {
        _limiter.Dispose();
        _serverSide?.Stop();
        if (_heartbeat.IsValueCreated)
        {
            _heartbeat.Value.Dispose();
        }
    }

    internal bool Exists(string ns) => _namespaces.Exists(ns);

    /// <summary>Takes a place among the connections; false when there is none, or the server stops.</summary>
    internal bool TryReserve()
    {
        if (_runtime.IsStopping)
        {
            return false;
        }

        if (Places.TryTake())
        {
            return true;
        }

        _runtime.Metrics.Refused("server");
        return false;
    }

    /// <summary>Gives back a place that was not used after all.</summary>
    internal void Unreserve() => Places.GiveBack();

    /// <summary>Runs a client of the event protocol.</summary>
    /// <param name="transport">How messages come and go.</param>
    /// <param name="handshake">How the client came.</param>
    /// <param name="ns">The namespace of its URL.</param>
    /// <param name="wishes">What else the URL asks for.</param>
    /// <param name="place">Its place, which the caller gives back.</param>
    internal Task<DisconnectReason> RunReservedAsync(ITransport transport, Handshake handshake, string ns, in UrlWishes wishes, ClientPlace place)
    {
        IPacketCodec codec = wishes.CanRecover ? _codec.RecoveryForm : _codec;
        return RunReservedAsync(transport, handshake, ns, wishes.TakesBinary ? codec.BinaryForm : codec, place, wishes.Session, wishes.Seq);
    }

    /// <summary>Tells every client that the server stops, lets what runs finish for as long as allowed, and closes with 1001.</summary>
    internal async Task DrainAsync(CancellationToken quiet)
    {
        _runtime.IsStopping = true;
        _runtime.Logger.ShuttingDown(_open.Count);
        foreach ((Connection connection, _) in _open)
        {
            TellShutdown(connection.Outbox);
        }

        try
        {
            while (_open.Values.Any(session => !session.IsQuiet))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), _runtime.Time, quiet).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            _runtime.Logger.ShutdownCutShort(_open.Values.Count(session => !session.IsQuiet));
        }

        foreach ((Connection connection, _) in _open)
        {
            connection.Outbox.Complete(Closing.ShuttingDown);
        }

        // Each connection waits for its client's goodbye no longer than the close timeout.
        while (!_open.IsEmpty)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), _runtime.Time, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>What outlives a restart; null when nothing does.</summary>
    internal RecoveryFile? RecoveryFile => _runtime.Recovery.OutlivesRestart ? new(_runtime.Options.RecoveryFile!, _namespaces, _runtime) : null;

    private void Tick()
    {
        long now = _runtime.Time.GetTimestamp();
        _runtime.Recovery.Tick();
        Watch.Tick(now);
        _memory.Tick(now);
        _limiter.Tick();
        EndExpired();
    }

    private async Task RefuseAsync(ITransport transport)
    {
        await using ConfiguredAsyncDisposable disposing = transport.ConfigureAwait(false);
        try
        {
            // RFC 6455 registry: 1013, try again later. A client that does not take it is broken off.
            using var timeout = new CancellationTokenSource(_runtime.Options.CloseTimeout, _runtime.Time);
            await transport.CloseAsync(new TransportClose(1013, "too many connections"), timeout.Token).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            _runtime.Logger.SendFailed(exception);
        }
    }

    private void TellShutdown(Outbox outbox)
    {
        // Each a delay of its own, so that they do not all come back at once.
        double delay = _runtime.Options.ReconnectDelay.TotalMilliseconds * (1 + (2 * Random.Shared.NextDouble()));
        outbox.Post(new Packet(PacketKind.Error)
        {
            Error = new EventError(ErrorCodes.ShuttingDown, "The server is shutting down.", new() { ["retryAfterMs"] = (long)delay }),
        });
    }

    private Task<DisconnectReason> RunReservedAsync(
        ITransport transport, Handshake handshake, string ns, IPacketCodec codec, ClientPlace place, string? resumed = null, long seq = 0)
    {
        var abort = new CancellationTokenSource();
        var outbox = new Outbox(transport, codec, ns, _outboxSettings, abort.Token);
        var session = new Session(_namespaces, _runtime, handshake, outbox);
        var connection = new Connection(transport, outbox, session, _connectionSettings, abort, place);
        return RunReservedAsync(session, connection, resumed, seq);
    }

    // Apart from the other, so that what it was given is not kept for as long as the connection lasts.
    private async Task<DisconnectReason> RunReservedAsync(Session session, Connection connection, string? resumed, long seq)
    {
        _open.TryAdd(connection, session);
        _ = _heartbeat.Value;
        _runtime.Metrics.ConnectionOpened();
        try
        {
            if (_runtime.IsStopping)
            {
                // It came in after the others were told.
                TellShutdown(connection.Outbox);
                connection.Outbox.Complete(Closing.ShuttingDown);
            }

            session.Start(resumed, seq);
            connection.Start();
            DisconnectReason reason = (await connection.Outbox.Completed.ConfigureAwait(false)).Reason;

            // Side by side: others need not see a client that is gone for as long as it takes over its goodbye.
            await Task.WhenAll(session.CloseAsync(reason), connection.CloseAsync()).ConfigureAwait(false);
            return reason;
        }
        finally
        {
            _open.TryRemove(connection, out _);
            _runtime.Metrics.ConnectionClosed();
            Unreserve();
        }
    }
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WsServer.Access;
using WsServer.Backplane;
using WsServer.Cluster;
using WsServer.Diagnostics;
using WsServer.Dispatch;
using WsServer.Limits;
using WsServer.Presence;
using WsServer.Recovery;
using WsServer.Wire;

namespace WsServer;

/// <summary>What every part of one server shares.</summary>
internal sealed class EventRuntime(
    EventServerOptions options, EventSerializer serializer, TimeProvider time, ILogger logger, EventMetrics metrics, IServiceScopeFactory scopes, bool showsErrors)
{
    private long _lastId;
    private volatile bool _isStopping;
    private volatile bool _isReady = true;

    public EventServerOptions Options => options;

    public EventSerializer Serializer => serializer;

    public TimeProvider Time => time;

    public ILogger Logger => logger;

    /// <summary>The names of events and namespaces that handlers are registered for.</summary>
    public NameTable Names { get; } = new();

    public EventMetrics Metrics => metrics;

    /// <summary>Tells of those who were refused.</summary>
    public RefusalLog Refusals { get; } = new(logger, time);

    /// <summary>What lets clients come back.</summary>
    public ServerRecovery Recovery { get; } = new(options, time);

    /// <summary>Knows which handlers run for long; set once, while the server is built.</summary>
    public HandlerWatch Watch { get; set; } = null!;

    public IServiceScopeFactory Scopes => scopes;

    /// <summary>What carries events to other nodes; null for a server that is alone.</summary>
    public IBackplane? Backplane { get; init; }

    /// <summary>This node among others, null when the server is alone; set once, while the server is built.</summary>
    public ServerNode? Node { get; set; }

    /// <summary>Knows who is where; set once, while the server is built.</summary>
    public ServerPresence Presence { get; set; } = null!;

    /// <summary>An id for a socket: with several nodes it says on which one it was given.</summary>
    public string NewSid() => RandomId.Create() + Node?.Id;

    /// <summary>A secret by which a client comes back: with several nodes it says which one to ask.</summary>
    public string NewSession() => RandomId.Create() + Node?.Id;

    /// <summary>What brings clients back to what they had on another node; null for a server that is alone.</summary>
    public SessionMoves? Moves { get; set; }

    /// <summary>Tells whose the tokens are that come inside a connection.</summary>
    public TokenAuthenticator Tokens => field ??= new TokenAuthenticator(this);

    /// <summary>What a client learns of an exception: in Development what it was, otherwise only that there was one.</summary>
    public EventError Describe(Exception exception) => new(
        ErrorCodes.InternalError, "The server failed.", showsErrors ? new() { ["detail"] = $"{exception.GetType().Name}: {exception.Message}" } : null);

    /// <summary>Whether new clients should come; cleared before the server stops.</summary>
    public bool IsReady
    {
        get => _isReady && !_isStopping;
        set => _isReady = value;
    }

    /// <summary>For the logs of what belongs to the server and is no part of it.</summary>
    public ILoggerFactory Loggers { get; init; } = Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance;

    /// <summary>The memory there is.</summary>
    public MemoryProbe Memory { get; init; } = new();

    /// <summary>Set when the server stops: events that come now are refused.</summary>
    public bool IsStopping
    {
        get => _isStopping;
        set => _isStopping = value;
    }

    /// <summary>An id for an event that wants an ack: one for the whole server, so that a broadcast has the same for all.</summary>
    public PacketId NextId() => new(Interlocked.Increment(ref _lastId));
}

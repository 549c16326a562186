using System.Text.Json;
using Microsoft.Extensions.Options;
using WsServer.Cluster;
using WsServer.Limits;

namespace WsServer;

/// <summary>
/// The settings of the event server. Set in code with <c>AddEvents(options => …)</c> or in the configuration section
/// <c>Events</c>; checked when the host starts. Where a value may be switched off, the member says so.
/// </summary>
public sealed class EventServerOptions
{
    /// <summary>The configuration section that is read by default.</summary>
    public const string SectionName = "Events";

    private JsonSerializerOptions? _json;

    /// <summary>The longest message a client may send, in bytes. A longer one closes the connection with 1009. Default 1 MiB.</summary>
    public int MaxMessageBytes { get; set; } = 1024 * 1024;

    /// <summary>
    /// How many connections may be open at once; one more is refused with HTTP 503. Default 100,000, and no more than the
    /// process may open files (<c>ulimit -n</c>), less those it has open at the start and 128 for everything else.
    /// </summary>
    public int MaxConnections { get; set; } = 100_000;

    /// <summary>How many namespaces one connection may be in. One more is answered <c>too_many_namespaces</c>. Default 32.</summary>
    public int MaxNamespacesPerConnection { get; set; } = 32;

    /// <summary>How many rooms one socket may be in, without its own. One more fails with <c>too_many_rooms</c>. Default 1,000.</summary>
    public int MaxRoomsPerSocket { get; set; } = 1_000;

    /// <summary>The longest name of a room to join, in characters (UTF-16). A longer one fails with <c>room_name_too_long</c>. Default 256.</summary>
    public int MaxRoomNameLength { get; set; } = 256;

    /// <summary>The longest name of an event or a namespace, in characters (UTF-16). A longer one is <c>invalid_envelope</c>. Default 256.</summary>
    public int MaxEventNameLength { get; set; } = 256;

    /// <summary>How deep a message's JSON may nest, its envelope included. Deeper is <c>invalid_envelope</c>. Default 64, at most 1,000.</summary>
    public int MaxJsonDepth { get; set; } = 64;

    /// <summary>
    /// How many events of one socket may wait for its handlers. When as many wait, the server stops reading from the
    /// client until one is done; nothing is dropped. Default 128.
    /// </summary>
    public int MaxQueuedEvents { get; set; } = 128;

    /// <summary>
    /// How many bytes these events may hold before the server stops reading from the client; one event more may be taken by
    /// then, of whatever length. Default 4 MiB.
    /// </summary>
    public long MaxQueuedBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>How many acks one socket may owe the server. One more fails with <c>too_many_pending_acks</c>. Default 1,000.</summary>
    public int MaxPendingAcks { get; set; } = 1_000;

    /// <summary>
    /// How many bytes may wait for one client beyond the message being written. What exceeds it closes the connection
    /// with <c>slow_consumer</c>; a volatile event or one with a <see cref="SlowConsumerPolicy"/> is dropped instead. Default 2 MiB.
    /// </summary>
    public long MaxOutboxBytes { get; set; } = 2 * 1024 * 1024;

    /// <summary>
    /// How many of these bytes may be events that a <see cref="SlowConsumerPolicy"/> allows to drop, so that they leave room
    /// for those that may not be. Default half of <see cref="MaxOutboxBytes"/>.
    /// </summary>
    public long? MaxDroppableBytes { get; set; }

    /// <summary>
    /// How many clients one thread sends to when a burst of events goes to many: a larger fan-out is split over the
    /// machine's cores. What one sender emits stays in order for every receiver. Default 2,048; no limit on one or two
    /// cores, where splitting was measured to gain nothing and to make the last receiver wait longer.
    /// </summary>
    public int FanOutShardSize { get; set; } = Environment.ProcessorCount > 2 ? 2_048 : int.MaxValue;

    /// <summary>
    /// How many errors a connection may cause before it is closed with <c>too_many_errors</c>. Refilled by one a
    /// second. Default 100.
    /// </summary>
    public int ErrorBudget { get; set; } = 100;

    /// <summary>How long a connection may be in no namespace. Default 45 seconds.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(45);

    /// <summary>The time between two pings of the server. Default 25 seconds.</summary>
    public TimeSpan PingInterval { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>How long the server waits for a sign of life after a ping. Default 20 seconds.</summary>
    public TimeSpan PingTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How long an emit with an ack waits, unless it says otherwise. Default 30 seconds.</summary>
    public TimeSpan AckTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the server waits for a client's goodbye after its own, and then breaks the connection. Default 5 seconds.</summary>
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a socket that is gone waits for its handlers before it leaves its rooms and
    /// <c>OnDisconnect</c> runs. Default 5 seconds.
    /// </summary>
    public TimeSpan HandlerGracePeriod { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The shortest time after which a client should come back when the server stops. Each is told one of its own, up to three times as long. Default 1 second.</summary>
    public TimeSpan ReconnectDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a server that is asked to stop goes on as before while its health check already says that it is not ready,
    /// so that a balancer sends clients elsewhere first. Counts into the host's <c>ShutdownTimeout</c>, of which it takes
    /// at most a half. Default zero.
    /// </summary>
    public TimeSpan DrainDelay { get; set; }

    /// <summary>From when on a running handler is logged and counted as hung. Default 30 seconds.</summary>
    public TimeSpan HungHandlerAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The part of the memory available to the process (the machine's or the container's) from which on no more connections
    /// are taken: they are refused with HTTP 503 while those that are there go on. Default 0.9; 0 for never.
    /// </summary>
    public double MemoryPressure { get; set; } = 0.9;

    /// <summary>
    /// How long the server keeps a socket whose connection was cut, for a client that asks for it, and with it the events
    /// that its client misses. Default 2 minutes; zero keeps nothing.
    /// </summary>
    public TimeSpan RecoveryWindow { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How many events each namespace keeps for clients that come back. Default 10,000.</summary>
    public int MaxReplayEvents { get; set; } = 10_000;

    /// <summary>How many bytes these events may have in each namespace: names, arguments and attachments. Default 8 MiB.</summary>
    public long MaxReplayBytes { get; set; } = 8 * 1024 * 1024;

    /// <summary>How many sockets that were cut off are kept in all; for one more, the oldest is forgotten. Default 10,000.</summary>
    public int MaxRecoverableSockets { get; set; } = 10_000;

    /// <summary>
    /// A file in which a server that stops leaves what its clients can come back to, for the one that starts after it: then
    /// a client that asks for it comes back over a restart to its id, its rooms and what it missed. It is removed when it
    /// has been read, has secrets in it, and belongs where only the server may read. Of <see cref="EventSocket.Items"/> it
    /// has those with a string for a key and a string, boolean, number or <c>JsonElement</c> for a value. Default none. With
    /// several nodes the others take over what they can, and the file has the rest.
    /// </summary>
    public string? RecoveryFile { get; set; }

    /// <summary>
    /// Whether the admission middleware (<see cref="EventNamespace.Use"/>) runs also for a client that comes back to its
    /// socket, which has passed it before. Default false.
    /// </summary>
    public bool RunMiddlewareOnRecovery { get; set; }

    /// <summary>
    /// Whether a connection is closed when the credentials that it came with expire and were not refreshed, and a socket put
    /// out that has joined with a token of its own. When that is says the authentication (<c>ExpiresUtc</c>). Default false, as
    /// SignalR's.
    /// </summary>
    public bool CloseOnAuthenticationExpiration { get; set; }

    /// <summary>
    /// The authentication scheme for tokens that come inside a connection: the <c>auth</c> of a <c>connect</c>, and
    /// <c>$auth</c>. Default null: the default scheme.
    /// </summary>
    public string? TokenScheme { get; set; }

    /// <summary>
    /// Whether <c>access_token</c> in the URL of a connection is taken for its <c>Authorization</c> header, and out of the URL,
    /// so that nobody logs it. Default true; false leaves URLs as they are.
    /// </summary>
    public bool TokenInQuery { get; set; } = true;

    /// <summary>
    /// Whether Kestrel's connections write to their sockets directly, on the thread that has something to send, and
    /// WebSockets read them so; it holds for all of Kestrel's endpoints over sockets, whose settings
    /// (<c>SocketTransportOptions</c>) stay in force. Where a connection has TLS, frames go through it; with another
    /// transport, through that. Default true.
    /// </summary>
    public bool DirectSends { get; set; } = true;

    /// <summary>
    /// How many threads wait for the sockets of the connections (with <c>epoll</c>, on Linux) and handle what comes there,
    /// quick handlers included; one that a handler keeps for longer than some milliseconds is replaced meanwhile. 0 leaves
    /// that to the runtime and its thread pool, which takes more time for each message, above all on a server that is not
    /// busy; so it is where there is no <c>epoll</c>, or without <see cref="DirectSends"/>. Default: one for each core, at most 32.
    /// </summary>
    public int SocketLoops { get; set; } = Math.Min(Environment.ProcessorCount, 32);

    /// <summary>
    /// Origins, besides the server's own, from which a browser may connect: <c>https://example.com</c>, or <c>*</c>
    /// for any. In Development any may. A request without an <c>Origin</c> header comes from no browser and passes.
    /// </summary>
    public IList<string> AllowedOrigins { get; } = [];

    /// <summary>How often clients may connect, and how much they may send.</summary>
    public EventServerLimits Limits { get; } = new();

    /// <summary>How the server shares rooms with other nodes, if it is one of several.</summary>
    public ClusterOptions Cluster { get; } = new();

    /// <summary>Who is where, and what is told of it.</summary>
    public PresenceOptions Presence { get; } = new();

    /// <summary>
    /// Compresses messages for clients that offer <c>permessage-deflate</c> (RFC 7692), and takes compressed ones from
    /// them. Null, the default: no compression. See docs/security.md before turning it on.
    /// </summary>
    public CompressionOptions? Compression { get; set; }

    /// <summary>Sets JSON options other than those of <c>ConfigureHttpJsonOptions</c>, which are the web defaults.</summary>
    public void UseJsonSerializerOptions(JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _json = options;
    }

    // A method: properties are bound from configuration, which these cannot be.
    internal JsonSerializerOptions? GetJsonSerializerOptions() => _json;
}

/// <summary>Checks the options when the host starts, and names each that is wrong.</summary>
internal sealed class EventServerOptionsValidator : IValidateOptions<EventServerOptions>
{
    public ValidateOptionsResult Validate(string? name, EventServerOptions options)
    {
        var errors = new List<string>();
        AtLeast(nameof(options.MaxMessageBytes), options.MaxMessageBytes, 16);
        if (options.MaxMessageBytes > Array.MaxLength / 2)
        {
            errors.Add($"Events:{nameof(options.MaxMessageBytes)} is {options.MaxMessageBytes}; it must be at most {Array.MaxLength / 2}.");
        }

        AtLeast(nameof(options.MaxConnections), options.MaxConnections, 1);
        AtLeast(nameof(options.MaxNamespacesPerConnection), options.MaxNamespacesPerConnection, 1);
        AtLeast(nameof(options.MaxRoomsPerSocket), options.MaxRoomsPerSocket, 1);
        AtLeast(nameof(options.MaxRoomNameLength), options.MaxRoomNameLength, 1);
        AtLeast(nameof(options.MaxEventNameLength), options.MaxEventNameLength, 1);
        AtLeast(nameof(options.MaxJsonDepth), options.MaxJsonDepth, 2);
        if (options.MaxJsonDepth > 1_000)
        {
            errors.Add($"Events:{nameof(options.MaxJsonDepth)} is {options.MaxJsonDepth}; it must be at most 1000.");
        }

        AtLeast(nameof(options.MaxQueuedEvents), options.MaxQueuedEvents, 1);
        AtLeast(nameof(options.MaxQueuedBytes), options.MaxQueuedBytes, 1);
        AtLeast(nameof(options.MaxPendingAcks), options.MaxPendingAcks, 1);
        AtLeast(nameof(options.MaxOutboxBytes), options.MaxOutboxBytes, 0);
        AtLeast(nameof(options.MaxDroppableBytes), options.MaxDroppableBytes ?? 0, 0);
        if (options.MaxDroppableBytes > options.MaxOutboxBytes)
        {
            errors.Add($"Events:{nameof(options.MaxDroppableBytes)} is {options.MaxDroppableBytes}; it must be at most {nameof(options.MaxOutboxBytes)}, {options.MaxOutboxBytes}.");
        }

        AtLeast(nameof(options.ErrorBudget), options.ErrorBudget, 1);
        AtLeast(nameof(options.FanOutShardSize), options.FanOutShardSize, 1);
        AtLeast(nameof(options.SocketLoops), options.SocketLoops, 0);
        if (options.SocketLoops > 256)
        {
            errors.Add($"Events:{nameof(options.SocketLoops)} is {options.SocketLoops}; it must be at most 256.");
        }

        AtLeast(nameof(options.MaxReplayEvents), options.MaxReplayEvents, 1);
        AtLeast(nameof(options.MaxReplayBytes), options.MaxReplayBytes, 1);
        AtLeast(nameof(options.MaxRecoverableSockets), options.MaxRecoverableSockets, 1);
        if (options.RecoveryWindow != TimeSpan.Zero)
        {
            Positive(nameof(options.RecoveryWindow), options.RecoveryWindow);
        }

        if (options.Compression is { } compression)
        {
            AtLeast($"{nameof(options.Compression)}:{nameof(compression.MinimumBytes)}", compression.MinimumBytes, 0);
            if (!Enum.IsDefined(compression.Level))
            {
                errors.Add($"Events:{nameof(options.Compression)}:{nameof(compression.Level)} is {compression.Level}; it must be Optimal, Fastest, NoCompression or SmallestSize.");
            }
        }

        Positive(nameof(options.ConnectTimeout), options.ConnectTimeout);
        Positive(nameof(options.PingInterval), options.PingInterval);
        Positive(nameof(options.PingTimeout), options.PingTimeout);
        Positive(nameof(options.AckTimeout), options.AckTimeout);
        Positive(nameof(options.CloseTimeout), options.CloseTimeout);
        Positive(nameof(options.HandlerGracePeriod), options.HandlerGracePeriod);
        Positive(nameof(options.ReconnectDelay), options.ReconnectDelay);
        Positive(nameof(options.HungHandlerAfter), options.HungHandlerAfter);
        if (options.DrainDelay != TimeSpan.Zero)
        {
            Positive(nameof(options.DrainDelay), options.DrainDelay);
        }

        if (options.MemoryPressure is not (>= 0 and <= 1))
        {
            errors.Add($"Events:{nameof(options.MemoryPressure)} is {options.MemoryPressure}; it must be from 0 to 1.");
        }

        foreach (string origin in options.AllowedOrigins)
        {
            if (origin is not ("*" or "null") && (!Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri) || uri.GetLeftPart(UriPartial.Authority) != origin.TrimEnd('/')))
            {
                errors.Add($"Events:{nameof(options.AllowedOrigins)} has '{origin}'; an origin is like https://example.com, or * for any.");
            }
        }

        errors.AddRange(EventServerLimitsValidator.FindErrors(options));
        errors.AddRange(ClusterOptionsValidator.FindErrors(options.Cluster));
        errors.AddRange(options.Presence.FindErrors());
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);

        void AtLeast(string option, long value, long least)
        {
            if (value < least)
            {
                errors.Add($"Events:{option} is {value}; it must be at least {least}.");
            }
        }

        void Positive(string option, TimeSpan value)
        {
            if (value <= TimeSpan.Zero || value.TotalMilliseconds > int.MaxValue)
            {
                errors.Add($"Events:{option} is {value}; it must be more than zero and at most 24 days.");
            }
        }
    }
}

namespace WsServer;

/// <summary>
/// How often clients may connect and how much they may send: section <c>Events:Limits</c> of the configuration. The
/// defaults are such that people who talk to each other never meet them, and a flood always does.
/// </summary>
/// <remarks>
/// An address is that of <c>HttpContext.Connection.RemoteIpAddress</c>, so behind a proxy it takes forwarded headers. An
/// IPv6 address counts with all others of its /64, which is what one client is given. A user is who ASP.NET Core's
/// authentication found for the request: the claim <c>NameIdentifier</c> or <c>sub</c>, or else the name.
/// </remarks>
public sealed class EventServerLimits
{
    /// <summary>How many connections may be open at once from one address. One more is refused with 429. Default 1,000; 0 for no limit.</summary>
    public int MaxConnectionsPerAddress { get; set; } = 1_000;

    /// <summary>How many connections one user may have open at once. One more is refused with 429. Default 100; 0 for no limit.</summary>
    public int MaxConnectionsPerUser { get; set; } = 100;

    /// <summary>
    /// How many attempts to connect one address may make in a second, the failed ones included, when it has used up its
    /// <see cref="ConnectionAttemptBurst"/>. One more is refused with 429. Default 50; 0 for no limit.
    /// </summary>
    public int ConnectionAttemptsPerSecond { get; set; } = 50;

    /// <summary>How many attempts to connect one address may make at once. Default 1,000: as many as may be connected come back together after a restart.</summary>
    public int ConnectionAttemptBurst { get; set; } = 1_000;

    /// <summary>What one connection may send. Default 2,000 messages and 16 MiB a second, 10,000 and 64 MiB at once.</summary>
    public ReceiveRate PerConnection { get; } = new() { MessagesPerSecond = 2_000, MessageBurst = 10_000, BytesPerSecond = 16 << 20, ByteBurst = 64 << 20 };

    /// <summary>What all connections of one user may send together. Default 10,000 messages and 64 MiB a second, 50,000 and 256 MiB at once.</summary>
    public ReceiveRate PerUser { get; } = new() { MessagesPerSecond = 10_000, MessageBurst = 50_000, BytesPerSecond = 64 << 20, ByteBurst = 256 << 20 };

    /// <summary>What all connections from one address may send together. Default 40,000 messages and 64 MiB a second, 200,000 and 256 MiB at once.</summary>
    public ReceiveRate PerAddress { get; } = new() { MessagesPerSecond = 40_000, MessageBurst = 200_000, BytesPerSecond = 64 << 20, ByteBurst = 256 << 20 };

    /// <summary>
    /// Whether loopback addresses are limited like others. Default false: a proxy on the same machine that forwards no
    /// addresses would make one of all its clients.
    /// </summary>
    public bool LimitLoopback { get; set; }

    /// <summary>Addresses that are not limited as addresses, such as those of a load test or a monitor: <c>10.1.2.0/24</c>, <c>2001:db8::/32</c>, <c>192.0.2.7</c>. Default none.</summary>
    public IList<string> UnlimitedNetworks { get; } = [];
}

/// <summary>
/// How much may be received: a bucket that a burst empties and that fills again by so much a second. Every message counts
/// before it is looked at, whatever is in it, and so does every ping and pong of a WebSocket.
/// </summary>
public sealed class ReceiveRate
{
    /// <summary>How many messages a second, in the long run; 0 for no limit on their number.</summary>
    public int MessagesPerSecond { get; set; }

    /// <summary>How many messages at once.</summary>
    public int MessageBurst { get; set; }

    /// <summary>How many bytes of messages a second, in the long run; 0 for no limit on their size.</summary>
    public long BytesPerSecond { get; set; }

    /// <summary>How many bytes at once; at least <see cref="EventServerOptions.MaxMessageBytes"/>, which otherwise could never be sent.</summary>
    public long ByteBurst { get; set; }
}

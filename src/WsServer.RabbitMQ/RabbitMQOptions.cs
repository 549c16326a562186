namespace WsServer.RabbitMQ;

/// <summary>
/// How a node reaches RabbitMQ, and what it asks of it: from the configuration section <c>Events:RabbitMQ</c>, whose own
/// value may be the URI, and then from what the program sets. Checked when the host starts.
/// </summary>
public sealed class RabbitMQOptions
{
    internal const string SectionName = "Events:RabbitMQ";

    /// <summary>
    /// Where the broker is: <c>amqp://user:password@host:port/vhost</c>, or <c>amqps://…</c> with TLS. What is left out is
    /// that of a new RabbitMQ: <c>guest</c>, <c>guest</c>, 5672 (with TLS 5671) and <c>/</c>.
    /// </summary>
    public string Uri { get; set; } = "";

    /// <summary>
    /// The exchange that the nodes share; their queues are named after it. Servers that are to know nothing of each other
    /// and share a virtual host have names of their own. Default <c>wsserver</c>.
    /// </summary>
    public string Exchange { get; set; } = "wsserver";

    /// <summary>What the broker lists this node's connections as. Default the name of the exchange.</summary>
    public string? ConnectionName { get; set; }

    /// <summary>
    /// How long the broker keeps what is for a node that is away: coming back within that time, it has missed nothing.
    /// Default 60 seconds.
    /// </summary>
    public TimeSpan QueueExpires { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How much may wait at the broker for this node, in bytes; beyond it the oldest messages are dropped. Default 64 MiB.</summary>
    public long MaxQueueBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>
    /// The largest message to publish, in bytes; a larger one reaches this node's own clients only. Not above the
    /// broker's <c>max_message_size</c>, which takes offence at it by closing the connection. Default 16 MiB.
    /// </summary>
    public int MaxMessageBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>How many messages the broker may send ahead of those that were handled. Default 256.</summary>
    public int Prefetch { get; set; } = 256;

    /// <summary>How often the two sides show each other that they live; a dead one is noticed after two to four of these. Default 5 seconds.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long connecting may take, and any answer of the broker. Default 10 seconds.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The pause before the first attempt to connect again, about; it doubles with each. Default 100 ms.</summary>
    public TimeSpan MinReconnectDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest pause between two attempts. Default 10 seconds.</summary>
    public TimeSpan MaxReconnectDelay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The name that the broker's certificate must have. Default the host of the URI.</summary>
    public string? TlsServerName { get; set; }

    /// <summary>A PEM file with the only authorities to trust the broker's certificate from. Default those of the system.</summary>
    public string? TlsAuthorities { get; set; }
}

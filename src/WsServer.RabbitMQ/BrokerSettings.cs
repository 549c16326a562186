using RabbitMQ.Client;

namespace WsServer.RabbitMQ;

/// <summary>What a node asks of its broker, made of the options.</summary>
/// <param name="options">The options, valid.</param>
/// <param name="node">The node's id.</param>
internal sealed class BrokerSettings(RabbitMQOptions options, string node)
{
    /// <summary>The largest message that any broker passes on.</summary>
    public const int LargestMessage = 128 * 1024 * 1024;

    public const string ContentType = "application/vnd.wsserver";

    public BrokerAddress Address { get; } = BrokerAddress.Parse(options.Uri, out string? error) ?? throw new ArgumentException($"The broker's URI {error}", nameof(options));

    public RabbitMQOptions Options => options;

    public string Node => node;

    public string Exchange => options.Exchange;

    /// <summary>The node's queue.</summary>
    public string Queue { get; } = $"{options.Exchange}.{node}";

    // Asked for by name, as a virtual host may have another kind as its default.
    public Dictionary<string, object?> QueueArguments { get; } = new()
    {
        ["x-queue-type"] = "classic",
        ["x-expires"] = (long)options.QueueExpires.TotalMilliseconds,
        ["x-max-length-bytes"] = options.MaxQueueBytes,
        ["x-overflow"] = "drop-head",
    };

    /// <summary>Says how to connect.</summary>
    /// <param name="sockets">Is given the sockets.</param>
    public ConnectionFactory CreateFactory(BrokerSockets sockets)
    {
        var factory = new ConnectionFactory
        {
            HostName = Address.Host,
            Port = Address.Port,
            UserName = Address.User,
            Password = Address.Password,
            VirtualHost = Address.VirtualHost,
            AutomaticRecoveryEnabled = false,
            TopologyRecoveryEnabled = false,
            ConsumerDispatchConcurrency = 1,
            RequestedHeartbeat = options.Heartbeat,
            RequestedConnectionTimeout = options.ConnectTimeout,
            HandshakeContinuationTimeout = options.ConnectTimeout,
            ContinuationTimeout = options.ConnectTimeout,

            // One that is too large for the client would end the connection, and come again on the next.
            MaxInboundMessageBodySize = LargestMessage,
            SocketFactory = sockets.Create,
        };
        if (Address.IsTls)
        {
            factory.Ssl = BrokerTls.Create(options, Address.Host);
        }

        return factory;
    }

    /// <summary>What the broker lists a connection as.</summary>
    public string ConnectionName(string purpose) => $"{options.ConnectionName ?? options.Exchange} {node} {purpose}";
}

namespace WsServer.LoadTest.Servers;

/// <summary>What carries messages between the nodes of a server.</summary>
internal enum BrokerKind
{
    /// <summary>Nothing: there is one node.</summary>
    None,

    /// <summary>A RabbitMQ of its own.</summary>
    RabbitMQ,

    /// <summary>A Redis of its own.</summary>
    Redis,
}

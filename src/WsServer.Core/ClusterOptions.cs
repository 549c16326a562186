namespace WsServer;

/// <summary>What becomes of what a node emits to others while its backplane has no connection.</summary>
public enum BackplaneAwayPolicy
{
    /// <summary>It is held until the connection is back, as long as it fits <see cref="ClusterOptions.MaxQueuedBytes"/>.</summary>
    Hold,

    /// <summary>It is dropped, and counted.</summary>
    Drop,
}

/// <summary>
/// How a node shares rooms with others: section <c>Events:Cluster</c> of the configuration. Of use only with a backplane
/// (<see cref="Backplane.IBackplane"/>) among the services. Times and <see cref="Shards"/> are to be the same on all nodes.
/// </summary>
public sealed class ClusterOptions
{
    /// <summary>What the node is called in logs and lists; the machine's name and the process id by default.</summary>
    public string? Name { get; set; }

    /// <summary>How often a node tells the others that it is there.</summary>
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>A node that has not been heard of for so long is gone, and its sockets with it. More than <see cref="HeartbeatInterval"/>.</summary>
    public TimeSpan NodeTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long to wait for other nodes where they are asked something, such as which sockets they have.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a node that starts waits for its backplane before it takes clients without.</summary>
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The most that may wait for the backplane, in bytes. What is emitted beyond reaches only this node's sockets, and is counted.</summary>
    public long MaxQueuedBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>What becomes of emits while the backplane has no connection.</summary>
    public BackplaneAwayPolicy WhenAway { get; set; } = BackplaneAwayPolicy.Hold;

    /// <summary>
    /// Over how many channels rooms are spread, from 1 to 65,536. A node gets what is emitted to its rooms, and to rooms
    /// that share a channel with one of them. More means less traffic for nothing, and more subscriptions.
    /// </summary>
    public int Shards { get; set; } = 1024;
}

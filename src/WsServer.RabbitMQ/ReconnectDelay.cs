namespace WsServer.RabbitMQ;

/// <summary>The growing pauses between attempts to connect, which differ from node to node so that they do not come all at once.</summary>
/// <param name="options">The shortest and the longest.</param>
/// <param name="time">Tells how long a connection has lasted.</param>
internal sealed class ReconnectDelay(RabbitMQOptions options, TimeProvider time)
{
    private TimeSpan _next = options.MinReconnectDelay;
    private long? _connectedAt;

    /// <summary>There is a connection.</summary>
    public void Connected() => _connectedAt = time.GetTimestamp();

    /// <summary>There is none. A connection that has lasted longer than the pause to come makes the pauses short again.</summary>
    /// <returns>How long to wait.</returns>
    public TimeSpan Next()
    {
        if (_connectedAt is { } at && time.GetElapsedTime(at) >= _next)
        {
            _next = options.MinReconnectDelay;
        }

        _connectedAt = null;
        TimeSpan delay = _next * (0.5 + (Random.Shared.NextDouble() / 2));
        _next = TimeSpan.FromTicks(Math.Min(_next.Ticks * 2, options.MaxReconnectDelay.Ticks));
        return delay;
    }
}

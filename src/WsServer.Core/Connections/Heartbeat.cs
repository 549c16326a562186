using System.Collections.Concurrent;

namespace WsServer.Connections;

/// <summary>One timer for the pings of all connections, so that an idle connection holds none.</summary>
internal sealed class Heartbeat : IDisposable
{
    private readonly ConcurrentDictionary<Connection, byte> _connections = new();
    private readonly TimeProvider _time;
    private readonly ITimer _timer;

    public Heartbeat(EventServerOptions options, TimeProvider time)
    {
        _time = time;

        // Fine enough that a timeout is late by a tenth of itself, and never finer than 10 ms.
        TimeSpan shortest = options.PingInterval < options.PingTimeout ? options.PingInterval : options.PingTimeout;
        TimeSpan period = TimeSpan.FromMilliseconds(Math.Clamp(shortest.TotalMilliseconds / 10, 10, 1_000));
        _timer = time.CreateTimer(_ => Tick(), null, period, period);
    }

    public void Add(Connection connection) => _connections.TryAdd(connection, 0);

    public void Remove(Connection connection) => _connections.TryRemove(connection, out _);

    public void Dispose() => _timer.Dispose();

    private void Tick()
    {
        long now = _time.GetTimestamp();
        foreach ((Connection connection, _) in _connections)
        {
            connection.Tick(now);
        }
    }
}

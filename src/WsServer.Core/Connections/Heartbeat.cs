using Microsoft.Extensions.Logging;
using WsServer.Diagnostics;

namespace WsServer.Connections;

/// <summary>One timer for the pings of all connections, and for what else is done now and then, so that an idle connection holds none.</summary>
internal sealed class Heartbeat : IDisposable
{
    private readonly IEnumerable<Connection> _connections;
    private readonly TimeProvider _time;
    private readonly Action? _also;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private int _isTicking;

    /// <param name="connections">The connections; enumerated at each tick while others come and go.</param>
    /// <param name="options">How often, and how long to wait.</param>
    /// <param name="time">The time.</param>
    /// <param name="logger">Told of what fails.</param>
    /// <param name="also">Called at each tick.</param>
    public Heartbeat(IEnumerable<Connection> connections, EventServerOptions options, TimeProvider time, ILogger logger, Action? also = null)
    {
        _logger = logger;
        _also = also;
        _connections = connections;
        _time = time;

        // Fine enough that a timeout is late by a tenth of itself, and never finer than 10 ms.
        TimeSpan shortest = options.PingInterval < options.PingTimeout ? options.PingInterval : options.PingTimeout;
        TimeSpan period = TimeSpan.FromMilliseconds(Math.Clamp(shortest.TotalMilliseconds / 10, 10, 1_000));
        _timer = time.CreateTimer(_ => Tick(), null, period, period);
    }

    public void Dispose() => _timer.Dispose();

    // Timers do not wait for each other, and what escapes from one ends the process.
    private void Tick()
    {
        if (Interlocked.Exchange(ref _isTicking, 1) != 0)
        {
            return;
        }

        long now = _time.GetTimestamp();
        foreach (Connection connection in _connections)
        {
            Try(static (c, n) => c.Tick(n), connection, now);
        }

        Try(static (also, _) => also?.Invoke(), _also, now);
        Volatile.Write(ref _isTicking, 0);
    }

    private void Try<T>(Action<T, long> tick, T what, long now)
    {
        try
        {
            tick(what, now);
        }
        catch (Exception exception)
        {
            _logger.HeartbeatFailed(exception);
        }
    }
}

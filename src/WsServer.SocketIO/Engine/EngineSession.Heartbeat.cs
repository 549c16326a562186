using WsServer.SocketIO.Diagnostics;

namespace WsServer.SocketIO.Engine;

/// <summary>What happens at a certain time: pings, the end of a client that does not answer them, and of a goodbye that nobody comes for.</summary>
internal sealed partial class EngineSession
{
    // Timers count in whole milliseconds of a clock of their own: one may be this early by the clock that is asked here.
    private static readonly TimeSpan Early = TimeSpan.FromMilliseconds(1);

    private readonly ITimer _timer;
    private long _due;
    private bool _isPongDue;

    private ITimer StartHeartbeat()
    {
        // The timer is the session's, not the request's that opened it.
        bool isFlowing = !ExecutionContext.IsFlowSuppressed();
        if (isFlowing)
        {
            ExecutionContext.SuppressFlow();
        }

        try
        {
            _due = At(_settings.Time.GetTimestamp(), _settings.PingInterval);
            return _settings.Time.CreateTimer(static session => ((EngineSession)session!).OnTimer(), this, _settings.PingInterval, Timeout.InfiniteTimeSpan);
        }
        finally
        {
            if (isFlowing)
            {
                ExecutionContext.RestoreFlow();
            }
        }
    }

    private void StopHeartbeatLocked()
    {
        _due = long.MaxValue;
        _timer.Dispose();
    }

    /// <summary>Sets when the timer is due next.</summary>
    private void Schedule(long from, TimeSpan after)
    {
        _due = At(from, after);
        TimeSpan left = _settings.Time.GetElapsedTime(_settings.Time.GetTimestamp(), _due);
        _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private long At(long from, TimeSpan after) => from + (long)(after.TotalSeconds * _settings.Time.TimestampFrequency);

    private void OnTimer()
    {
        EngineSocket? socket;
        lock (_gate)
        {
            if (_end is not null || _due == long.MaxValue)
            {
                return;
            }

            long now = _settings.Time.GetTimestamp();
            if (_settings.Time.GetElapsedTime(now, _due) > Early)
            {
                // It was set anew while it fired.
                Schedule(_due, TimeSpan.Zero);
                return;
            }

            if (_isClosing)
            {
                EndLocked(SessionEnd.Server);
                return;
            }

            if (_isPongDue)
            {
                TakeSilenceLocked();
                return;
            }

            if (IsUnfinishedForTooLong(now))
            {
                EndLocked(SessionEnd.Unfinished);
                return;
            }

            _isPongDue = true;
            Schedule(_due, _settings.PingTimeout);
            socket = _socket;
            if (socket is null)
            {
                _outgoing.Add(EnginePackets.Ping);
                AnswerPollLocked();
                return;
            }
        }

        _ = PingAsync(socket);
    }

    private async Task PingAsync(EngineSocket socket)
    {
        try
        {
            await socket.SendAsync(new[] { EnginePackets.Ping }).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // A ping that cannot be sent gets no pong: the timeout does the rest.
            _settings.Logger.SendFailed(exception);
        }
    }

    private void TakePong()
    {
        lock (_gate)
        {
            TakePongLocked();
        }
    }

    private void TakePongLocked()
    {
        if (_end is null && !_isClosing && _due != long.MaxValue)
        {
            _isPongDue = false;
            Schedule(_settings.Time.GetTimestamp(), _settings.PingInterval);
        }
    }

    /// <summary>
    /// Ends a session whose pong is overdue. Requests ask too, since one may come between the time and the timer.
    /// </summary>
    private void EndIfOverdueLocked()
    {
        if (_isPongDue && !_isClosing && _settings.Time.GetTimestamp() >= _due)
        {
            TakeSilenceLocked();
        }
    }

    /// <summary>Whether a client holds memory with the first parts of a packet and does not send the rest: its pongs would keep it for ever.</summary>
    private bool IsUnfinishedForTooLong(long now)
    {
        long lastPart = Volatile.Read(ref _lastPart);
        return lastPart != 0 && _settings.Time.GetElapsedTime(lastPart, now) >= _settings.PingInterval + _settings.PingTimeout;
    }

    private void TakeSilenceLocked()
    {
        // While the server itself does not read on, the pong may be there, behind what it has not read, and the rest of a packet too.
        bool isReading = _socket is null ? _posted is null : _isReceiving;
        if (isReading)
        {
            EndLocked(SessionEnd.PingTimeout);
        }
        else
        {
            long now = _settings.Time.GetTimestamp();
            Schedule(now, _settings.PingTimeout);
            if (Volatile.Read(ref _lastPart) is not 0 and long lastPart)
            {
                // Only if it is still that part.
                Interlocked.CompareExchange(ref _lastPart, now, lastPart);
            }
        }
    }
}

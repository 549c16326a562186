using Microsoft.Extensions.Logging;
using WsServer.Diagnostics;

namespace WsServer.Dispatch;

/// <summary>
/// Knows which handlers run for long: looks now and then at what every socket runs, so that running one costs nothing
/// more than saying which event it is.
/// </summary>
/// <param name="sessions">The sessions there are; enumerated while others come and go.</param>
/// <param name="hungAfter">From when on a handler counts as hung.</param>
/// <param name="time">The time.</param>
/// <param name="logger">Told of each that hangs, once.</param>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class HandlerWatch(IEnumerable<Session> sessions, TimeSpan hungAfter, TimeProvider time, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly List<SocketLife> _abandoned = [];
    private readonly TimeSpan _period = TimeSpan.FromTicks(Math.Min(TimeSpan.TicksPerSecond, hungAfter.Ticks / 4));
    private Dictionary<SocketLife, Sighting> _seen = [];
    private Dictionary<SocketLife, Sighting> _next = [];
    private long _lastLook = time.GetTimestamp();
    private volatile int _hung;

    /// <summary>How many handlers hung at the last look.</summary>
    public int Hung => _hung;

    /// <summary>A socket is given up while its handlers still run: nothing else knows of them any more.</summary>
    public void Abandon(SocketLife life)
    {
        lock (_gate)
        {
            _abandoned.Add(life);
        }
    }

    /// <summary>Looks, if it is time to.</summary>
    public void Tick(long now)
    {
        lock (_gate)
        {
            if (time.GetElapsedTime(_lastLook, now) < _period)
            {
                return;
            }

            _lastLook = now;
            int hung = 0;
            foreach ((SocketLife life, HandlerRun run) in Running())
            {
                bool isSame = _seen.TryGetValue(life, out Sighting seen) && seen.Run.Number == run.Number;
                Sighting sighting = isSame ? seen : new Sighting(run, now, IsTold: false);
                if (time.GetElapsedTime(sighting.Since, now) >= hungAfter)
                {
                    hung++;
                    if (!sighting.IsTold)
                    {
                        logger.HandlerHangs(run.Event, life.Socket.Id, life.Socket.Namespace.Name, hungAfter.TotalSeconds);
                        sighting = sighting with { IsTold = true };
                    }
                }

                // One that is given up may still be among those of its session.
                _next[life] = sighting;
            }

            (_seen, _next) = (_next, _seen);
            _next.Clear();
            _abandoned.RemoveAll(life => life.Running is null);
            _hung = hung;
        }
    }

    /// <summary>What runs now.</summary>
    public IReadOnlyList<RunningHandler> Dump()
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            var all = new Dictionary<SocketLife, RunningHandler>();
            foreach ((SocketLife life, HandlerRun run) in Running())
            {
                bool isKnown = _seen.TryGetValue(life, out Sighting seen) && seen.Run.Number == run.Number;
                all[life] = new RunningHandler(
                    life.Socket.Namespace.Name, life.Socket.Id, run.Event, isKnown ? time.GetElapsedTime(seen.Since, now) : TimeSpan.Zero, !life.HasEnded);
            }

            return [.. all.Values.OrderByDescending(h => h.Elapsed)];
        }
    }

    private IEnumerable<(SocketLife Life, HandlerRun Run)> Running()
    {
        foreach (Session session in sessions)
        {
            foreach (EventSocket socket in session.Unfinished)
            {
                if (socket.Life.Running is { } run)
                {
                    yield return (socket.Life, run);
                }
            }
        }

        foreach (SocketLife life in _abandoned)
        {
            if (life.Running is { } run)
            {
                yield return (life, run);
            }
        }
    }

    private readonly record struct Sighting(HandlerRun Run, long Since, bool IsTold);
}

/// <summary>What a socket runs.</summary>
/// <param name="Number">Another one for each of its runs.</param>
/// <param name="Event">The event; <c>connection</c> while it joins, <c>disconnect</c> while it goes.</param>
internal readonly record struct HandlerRun(int Number, string Event);

using System.Collections.Concurrent;
using WsServer.Limits;

namespace WsServer.SocketIO.Engine;

/// <summary>The sessions that requests can find. Safe for concurrent use.</summary>
internal sealed class EngineSessions(EngineSettings settings)
{
    private readonly ConcurrentDictionary<string, EngineSession> _open = new(StringComparer.Ordinal);
    private int _count;

    /// <summary>Takes a place for a session; false when there is none.</summary>
    public bool TryReserve()
    {
        if (Interlocked.Increment(ref _count) <= settings.MaxSessions)
        {
            return true;
        }

        Unreserve();
        return false;
    }

    /// <summary>Gives back a place that was not used.</summary>
    public void Unreserve() => Interlocked.Decrement(ref _count);

    /// <summary>Opens a session in a place that was taken.</summary>
    /// <param name="socket">The WebSocket that it was opened over; null when it is polling.</param>
    /// <param name="place">Its place among the connections of its address and its user, which it gives back at its end.</param>
    /// <param name="identity">Whose it is.</param>
    public EngineSession Open(EngineSocket? socket, ClientPlace? place, string? identity)
    {
        var session = new EngineSession(settings, socket, Forget) { Place = place, Identity = identity };
        _open.TryAdd(session.Sid, session);
        return session;
    }

    /// <summary>Whether there is one of this id, whoever's.</summary>
    public bool Has(string sid) => _open.ContainsKey(sid);

    /// <summary>The session that a client names; null when there is none, or it is somebody else's.</summary>
    public EngineSession? Find(string sid, string? identity) => _open.GetValueOrDefault(sid) is { } session && session.Identity == identity ? session : null;

    private void Forget(EngineSession session)
    {
        if (_open.TryRemove(session.Sid, out _))
        {
            Unreserve();
            session.Place?.Dispose();
        }
    }
}

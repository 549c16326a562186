using System.Diagnostics.CodeAnalysis;
using WsServer.Wire;

namespace WsServer.Recovery;

/// <summary>
/// The log of one namespace and the sessions of its sockets. It is active while somebody may come back to something:
/// while a socket is in the namespace whose client can, or one is kept that was cut off.
/// </summary>
/// <remarks>
/// Safe for concurrent use. Under the gate an event gets its number, and is posted to all that it is for, so that each
/// receiver sees numbers rise. What is done under it never waits and runs no code of the program's.
/// </remarks>
internal sealed class NamespaceRecovery(EventNamespace ns, ServerRecovery server)
{
    private readonly Dictionary<string, EventSocket> _holders = new(StringComparer.Ordinal);
    private readonly ReplayLog _log = server.CreateLog();
    private int _cutOff;
    private volatile bool _isActive;

    /// <summary>Held from an event's number to its last post, and while a socket that can come back enters.</summary>
    public Lock Gate { get; } = new();

    /// <summary>
    /// Whether events are to be logged. Who emits while the first such socket joins may find it is not: that event counts
    /// as emitted before.
    /// </summary>
    public bool IsActive => _isActive;

    /// <summary>Where the log stands; under the gate.</summary>
    public long Position => _log.Position;

    /// <summary>Logs an event and returns its number, 0 when nobody needs it any more; under the gate. The arguments belong to the log.</summary>
    public long Log(Audience audience, in Packet packet) => _isActive ? _log.Add(audience, packet) : 0;

    /// <summary>A new socket enters, whose client may come back; under the gate, before the client is told its session.</summary>
    public void Begin(EventSocket socket, SocketRecovery recovery)
    {
        if (!server.IsOn)
        {
            return;
        }

        recovery.Session = RandomId.Create();
        recovery.Since = _log.Position;
        recovery.LastSeq = 0;
        _holders.Add(recovery.Session, socket);
        Activate();
    }

    /// <summary>It has not entered after all; under the gate.</summary>
    public void Abandon(SocketRecovery recovery)
    {
        if (recovery.Session is { } session)
        {
            _holders.Remove(session);
            recovery.Session = null;
            DeactivateIfUnused();
        }
    }

    /// <summary>
    /// Takes out what the client of a socket had, which from then on is the socket's. False while another socket has it:
    /// <paramref name="holder"/> is to go first.
    /// </summary>
    public bool TryTake(EventSocket socket, SocketRecovery recovery, out CutOffSocket? back, [NotNullWhen(false)] out EventSocket? holder)
    {
        bool isUsable;
        lock (Gate)
        {
            back = null;
            if (_holders.TryGetValue(recovery.Asked!, out holder))
            {
                return false;
            }

            back = server.CutOff.Take(recovery.Asked!, ns);
            if (back is null)
            {
                return true;
            }

            isUsable = !server.CutOff.IsExpired(back) && _log.Reaches(back.MissedAfter(recovery.AskedSeq));
            if (isUsable)
            {
                _cutOff--;
                _holders.Add(back.Session, socket);
            }
        }

        if (!isUsable)
        {
            Forget(back);
            back = null;
        }

        return true;
    }

    /// <summary>Reads what a client has missed; under the gate. False when the log no longer reaches back.</summary>
    public bool TryReadMissed(CutOffSocket back, long seq, List<Packet> missed)
    {
        long after = back.MissedAfter(seq);
        if (!_log.Reaches(after))
        {
            return false;
        }

        missed.AddRange(_log.Read(after, back.Sid, back.Rooms));
        return true;
    }

    /// <summary>The client is back; under the gate.</summary>
    public static void Resume(SocketRecovery recovery, CutOffSocket back, long lastSeq)
    {
        recovery.Session = back.Session;
        recovery.Since = back.Since;
        recovery.LastSeq = Math.Max(back.LastSeq, lastSeq);
    }

    /// <summary>The socket is in, so it stands for itself in the namespace.</summary>
    public void Release() => server.Released(ns);

    /// <summary>The client was cut off again before it was back: it may try once more.</summary>
    public void PutBack(CutOffSocket back)
    {
        CutOffSocket? oldest;
        lock (Gate)
        {
            _holders.Remove(back.Session);
            _cutOff++;
            oldest = server.CutOff.Add(back);
        }

        oldest?.Namespace.Recovery.Forget(oldest);
    }

    /// <summary>What was taken out cannot be come back to.</summary>
    public void GiveUp(CutOffSocket back)
    {
        lock (Gate)
        {
            _holders.Remove(back.Session);
            DeactivateIfUnused();
        }

        server.Released(ns);
    }

    /// <summary>One that was kept is no longer.</summary>
    public void Forget(CutOffSocket gone)
    {
        lock (Gate)
        {
            _cutOff--;
            DeactivateIfUnused();
        }

        server.Released(gone.Namespace);
    }

    /// <summary>A socket leaves its rooms. If it was cut off, it is kept for its client.</summary>
    public void Depart(EventSocket socket)
    {
        if (socket.Recovery is not { Session: { } session } recovery)
        {
            socket.LeaveAll();
            return;
        }

        long position;
        lock (Gate)
        {
            // Before it leaves its rooms: what is meant for it from here on is noted, or behind this position.
            position = _log.Position;
        }

        // Not under the gate, as handlers of room events run here.
        var rooms = new HashSet<string>(StringComparer.Ordinal) { socket.Id };
        socket.LeaveAll(rooms);
        CutOffSocket? oldest = null;
        lock (Gate)
        {
            _holders.Remove(session);
            if (recovery.IsCutOff)
            {
                recovery.IsKept = true;
                _cutOff++;
                oldest = server.CutOff.Add(new CutOffSocket
                {
                    Session = session,
                    Namespace = ns,
                    Sid = socket.Id,
                    Rooms = rooms,
                    State = socket.KeptState,
                    Since = recovery.Since,
                    LastSeq = recovery.LastSeq,
                    Position = position,
                    Time = server.Now,
                });
            }

            DeactivateIfUnused();
        }

        oldest?.Namespace.Recovery.Forget(oldest);
    }

    /// <summary>Drops what is too old.</summary>
    public void Trim()
    {
        lock (Gate)
        {
            _log.Trim();
        }
    }

    private void Activate()
    {
        if (!_isActive)
        {
            _isActive = true;
            server.SetActive(this, true);
        }
    }

    private void DeactivateIfUnused()
    {
        if (_isActive && _holders.Count == 0 && _cutOff == 0)
        {
            _isActive = false;
            _log.Clear();
            server.SetActive(this, false);
        }
    }
}

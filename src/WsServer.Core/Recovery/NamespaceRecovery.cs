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
internal sealed partial class NamespaceRecovery(EventNamespace ns, ServerRecovery server)
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
    /// <param name="audience">Who is meant.</param>
    /// <param name="packet">The event.</param>
    /// <param name="origin">Where it was emitted.</param>
    public long Log(Audience audience, in Packet packet, Origin origin) => _isActive ? _log.Add(audience, packet, origin) : 0;

    /// <summary>A new socket enters, whose client may come back; under the gate, before the client is told its session.</summary>
    public void Begin(EventSocket socket, SocketRecovery recovery)
    {
        if (!server.IsOn)
        {
            return;
        }

        recovery.Session = ns.Runtime.NewSession();
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
            string? identity = IdentityOf(socket);
            if (_holders.TryGetValue(recovery.Asked!, out holder))
            {
                // For anybody else the secret says nothing.
                return IdentityOf(holder) != identity;
            }

            back = server.CutOff.Take(recovery.Asked!, ns, identity);
            if (back is null)
            {
                return true;
            }

            isUsable = !server.CutOff.IsExpired(back) && Reaches(back, recovery.AskedSeq);
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

    /// <summary>Notes that a socket is about to join a room.</summary>
    public void NoteJoin(SocketRecovery recovery, string room)
    {
        lock (Gate)
        {
            recovery.JoinedAt.TryAdd(room, _log.Position);
        }
    }

    /// <summary>Notes that it has left one.</summary>
    public void NoteLeave(SocketRecovery recovery, string room)
    {
        lock (Gate)
        {
            recovery.JoinedAt.Remove(room);
        }
    }

    /// <summary>Gives a socket the times of another's joins, before it joins the same rooms; none for null.</summary>
    public void RestoreJoins(SocketRecovery recovery, CutOffSocket? back)
    {
        lock (Gate)
        {
            recovery.JoinedAt.Clear();
            foreach ((string room, long position) in back?.Rooms ?? new Dictionary<string, long>())
            {
                recovery.JoinedAt.Add(room, position);
            }
        }
    }

    /// <summary>Reads what a client has missed; under the gate. False when the log no longer reaches back, or it is too much.</summary>
    public bool TryReadMissed(CutOffSocket back, long seq, List<Packet> missed)
    {
        long after = back.MissedAfter(seq);
        if (!Reaches(back, seq))
        {
            return false;
        }

        long bytes = 0;
        foreach (Packet packet in back.History?.Read(after, back.Sid, back.Rooms) ?? _log.Read(after, back.Sid, back.Rooms))
        {
            bytes += ReplayLog.Measure(packet);
            if (bytes > server.MaxMissedBytes)
            {
                // More than may wait for a client: it would only be cut off again.
                return false;
            }

            missed.Add(packet);
        }

        return true;
    }

    /// <summary>The client is back; under the gate.</summary>
    public static void Resume(SocketRecovery recovery, CutOffSocket back, long lastSeq)
    {
        recovery.History = back.History?.Behind(recovery.AskedSeq);
        recovery.Session = back.Session;
        recovery.Since = back.Since;
        recovery.LastSeq = Math.Max(back.LastSeq, lastSeq);
    }

    /// <summary>The socket is in, so it stands for itself in the namespace.</summary>
    public void Release(CutOffSocket back)
    {
        server.LetGo(back);
        server.Released(ns);
    }

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

        Release(back);
    }

    /// <summary>One that was kept is no longer.</summary>
    public void Forget(CutOffSocket gone)
    {
        lock (Gate)
        {
            _cutOff--;
            DeactivateIfUnused();
        }

        Release(gone);
    }

    /// <summary>A socket leaves its rooms. If it was cut off, it is kept for its client.</summary>
    public void Depart(EventSocket socket)
    {
        if (socket.Recovery is not { Session: { } session } recovery)
        {
            socket.LeaveAll();
            DropSid(socket.Recovery);
            return;
        }

        long position;
        lock (Gate)
        {
            // Before it leaves its rooms: what is meant for it from here on is noted, or behind this position.
            position = _log.Position;
        }

        // Not under the gate, as handlers of room events run here.
        var rooms = new List<string>();
        socket.LeaveAll(rooms);
        CutOffSocket? oldest = null;
        lock (Gate)
        {
            _holders.Remove(session);
            if (recovery.IsCutOff)
            {
                recovery.IsKept = true;
                _cutOff++;
                var kept = new CutOffSocket
                {
                    Session = session,
                    Namespace = ns,
                    Sid = socket.Id,
                    Identity = IdentityOf(socket),
                    Rooms = WithJoins(recovery, socket.Id, rooms),
                    State = socket.KeptState,
                    Since = recovery.Since,
                    LastSeq = recovery.LastSeq,
                    Position = position,
                    Time = server.Now,
                    History = recovery.History,
                };
                server.Hold(kept);
                oldest = server.CutOff.Add(kept);
            }

            DeactivateIfUnused();
        }

        DropSid(recovery);
        oldest?.Namespace.Recovery.Forget(oldest);
    }

    /// <summary>What is left of it to another process.</summary>
    /// <param name="sockets">The sockets of this namespace that were cut off.</param>
    public NamespaceSnapshot Save(IEnumerable<CutOffSocket> sockets)
    {
        lock (Gate)
        {
            return new NamespaceSnapshot(ns.Name, _log.Position, [.. _log.Save()], [.. sockets.Select(s => s.Save(server.Age(s.Time)))], _log.Floor);
        }
    }

    /// <summary>Takes up what another process has left. Each of the sockets has a place in the namespace.</summary>
    public void Restore(NamespaceSnapshot saved, TimeSpan away)
    {
        var oldest = new List<CutOffSocket>();
        CutOffSocket[] sockets = [.. saved.Sockets.Select(s => CutOffSocket.Restore(s, ns, server.Ago(s.Age + away)))];
        if (sockets.DistinctBy(s => s.Session).Count() < sockets.Length || Array.Exists(sockets, s => server.CutOff.Has(s.Session)))
        {
            throw new InvalidDataException("A session is there twice.");
        }

        lock (Gate)
        {
            _log.Restore(ns.Name, saved.Position, saved.Events, away, saved.Floor);
            Activate();
            foreach (CutOffSocket socket in sockets)
            {
                _cutOff++;
                server.Hold(socket);
                if (server.CutOff.Add(socket) is { } forgotten)
                {
                    oldest.Add(forgotten);
                }
            }
        }

        oldest.ForEach(o => o.Namespace.Recovery.Forget(o));
    }

    /// <summary>Drops what is too old.</summary>
    public void Trim()
    {
        // It is the heartbeat that asks: it comes again, and must not wait for a fan-out.
        if (Gate.TryEnter())
        {
            try
            {
                _log.Trim();
                TrimCarried();
            }
            finally
            {
                Gate.Exit();
            }
        }
    }

    private bool Reaches(CutOffSocket back, long seq)
    {
        long after = back.MissedAfter(seq);
        return back.History?.Reaches(after) ?? _log.Reaches(after);
    }

    // The credentials' word, not the program's: that is kept with the socket and comes back with it.
    public static string? IdentityOf(EventSocket socket) => UserIdentity.Of(socket.CredentialUser);

    private static Dictionary<string, long> WithJoins(SocketRecovery recovery, string sid, List<string> rooms)
    {
        var joins = new Dictionary<string, long>(StringComparer.Ordinal) { [sid] = 0 };
        foreach (string room in rooms)
        {
            joins[room] = recovery.JoinedAt.GetValueOrDefault(room);
        }

        return joins;
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
        if (_isActive && _holders.Count == 0 && _cutOff == 0 && _arrivals == 0)
        {
            _isActive = false;
            _log.Clear();
            server.SetActive(this, false);
        }
    }
}

using WsServer.Wire;

namespace WsServer.Recovery;

// How sockets that were cut off go from one node to another. Whoever takes them logs what is emitted for them before it
// asks; whoever gives them says up to where it has dealt with what each node has emitted. So each event stands in one of the
// two logs that counts, and in one only.
internal sealed partial class NamespaceRecovery
{
    private readonly List<ReplayLog> _carried = [];
    private int _arrivals;
    private int _unlogged;

    /// <summary>
    /// Begins an emit that is not logged; false when it has to be. With several nodes an arrival waits for those that have
    /// begun; alone nobody does.
    /// </summary>
    public bool TryBeginUnlogged()
    {
        if (!server.IsShared)
        {
            return true;
        }

        Interlocked.Increment(ref _unlogged);
        if (!_isActive)
        {
            return true;
        }

        EndUnlogged();
        return false;
    }

    /// <summary>Ends it.</summary>
    public void EndUnlogged()
    {
        if (server.IsShared)
        {
            Interlocked.Decrement(ref _unlogged);
        }
    }

    /// <summary>Logs from now on what is emitted, for sockets that are about to come; gives the number behind which it does.</summary>
    /// <param name="above">A number that the log has to be at, at least.</param>
    public async Task<long> BeginArrivalAsync(long above)
    {
        long from;
        lock (Gate)
        {
            _arrivals++;
            Activate();
            _log.SkipTo(above);
            from = _log.Position;
        }

        while (Volatile.Read(ref _unlogged) > 0)
        {
            // They are on their way through the members of a room, and wait for nobody.
            await Task.Yield();
        }

        return from;
    }

    /// <summary>They have come, or will not.</summary>
    public void EndArrival()
    {
        lock (Gate)
        {
            _arrivals--;
            DeactivateIfUnused();
        }
    }

    /// <summary>Looks for a session: kept, or held by a socket that has to go first.</summary>
    public (CutOffSocket? CutOff, EventSocket? Holder, long Position) Find(string session, string? identity)
    {
        lock (Gate)
        {
            // For anybody else the secret says nothing.
            EventSocket? holder = _holders.GetValueOrDefault(session) is { } found && IdentityOf(found) == identity ? found : null;
            return (server.CutOff.Find(session, ns, identity), holder, _log.Position);
        }
    }

    /// <summary>
    /// Takes out the socket of a session for another node, with what it has missed. If it comes there is said with
    /// <see cref="Gone"/>, or else with <see cref="PutBack"/>.
    /// </summary>
    /// <param name="session">The session.</param>
    /// <param name="identity">Whose it has to be.</param>
    /// <param name="seq">The last event that the client has had.</param>
    /// <param name="below">Up to where the numbers here may have come.</param>
    /// <param name="heard">What this node has dealt with; asked under the gate.</param>
    /// <param name="given">The socket, if it is given.</param>
    /// <param name="moved">The same for the other node.</param>
    public Departure Give(
        string session, string? identity, long seq, long below, Func<Heard> heard, out CutOffSocket? given, out MovedSockets? moved)
    {
        CutOffSocket back;
        moved = null;
        lock (Gate)
        {
            given = server.CutOff.Find(session, ns, identity);
            if (given is null || _log.Position > below)
            {
                return given is null ? Departure.Gone : Departure.Ahead;
            }

            back = server.CutOff.Take(session, ns)!;
            var missed = new List<Packet>();
            if (!server.CutOff.IsExpired(back) && TryReadMissed(back, seq, missed))
            {
                // What is given stands in a log of its own: how old each is, is a matter of the window now. Between what the
                // client has had and where it left nothing was meant for it, so nothing is missing behind the former.
                LoggedEvent[] events = [.. missed.Select(packet => Alone(packet, back.Sid))];
                var log = new MovedLog(seq, _log.Position, events);
                var socket = new MovedSocket(back.Save(server.Age(back.Time)), [new MovedStretch(0, 0, _log.Position, null, 0)]);
                moved = new MovedSockets(heard(), [log], [socket]);
                _cutOff--;
                return Departure.Given;
            }
        }

        Forget(back);
        return Departure.Unusable;
    }

    /// <summary>The same for several, whosever they are and whatever their clients have had.</summary>
    public Departure GiveAll(
        IReadOnlyList<string> sessions, long below, Func<Heard> heard, out List<CutOffSocket> given, out MovedSockets? moved)
    {
        given = [];
        moved = null;
        lock (Gate)
        {
            if (_log.Position > below)
            {
                return Departure.Ahead;
            }

            foreach (string session in sessions)
            {
                if (server.CutOff.Take(session, ns) is { } one)
                {
                    given.Add(one);
                }
            }

            if (given.Count == 0)
            {
                return Departure.Gone;
            }

            _cutOff -= given.Count;
            var logs = new List<ReplayLog>();
            MovedSocket[] sockets = [.. given.Select(one => new MovedSocket(one.Save(server.Age(one.Time)), [.. StretchesOf(one).Select(s => Move(s, logs))]))];
            moved = new MovedSockets(heard(), [.. logs.Select(log => new MovedLog(log.Floor, log.Position, [.. log.Save()]))], sockets);
            return Departure.Given;
        }
    }

    /// <summary>One that was given is with the other node.</summary>
    public void Gone(CutOffSocket given)
    {
        lock (Gate)
        {
            DeactivateIfUnused();
        }

        Release(given);
    }

    /// <summary>Takes up sockets of another node. Each has a place in the namespace.</summary>
    /// <param name="moved">What the other has given.</param>
    /// <param name="from">What <see cref="BeginArrivalAsync"/> has said.</param>
    /// <param name="holder">The socket of the client that has asked for it; null when they are kept until somebody does.</param>
    /// <returns>Those that are here now; the places of the others are free.</returns>
    public List<CutOffSocket> Arrive(MovedSockets moved, long from, EventSocket? holder)
    {
        ReplayLog[] logs = [.. moved.Logs.Select(Restore)];
        var arrived = new List<CutOffSocket>();
        var oldest = new List<CutOffSocket>();
        lock (Gate)
        {
            _carried.AddRange(logs.Where(log => log.Count > 0));
            var own = new Stretch(_log, from, long.MaxValue, moved.Heard, _log.Position);
            foreach (MovedSocket one in moved.Sockets)
            {
                if (_holders.ContainsKey(one.Socket.Session) || server.CutOff.Has(one.Socket.Session))
                {
                    continue;
                }

                var socket = CutOffSocket.Restore(one.Socket, ns, server.Ago(one.Socket.Age));
                socket.History = new History([.. one.Stretches.Select(s => new Stretch(logs[s.Log], s.From, s.UpTo, s.Heard, s.HeardUpTo)), own]);
                server.Hold(socket);
                arrived.Add(socket);
                if (holder is not null)
                {
                    _holders.Add(socket.Session, holder);
                    continue;
                }

                _cutOff++;
                if (server.CutOff.Add(socket) is { } forgotten)
                {
                    oldest.Add(forgotten);
                }
            }
        }

        oldest.ForEach(o => o.Namespace.Recovery.Forget(o));
        return arrived;
    }

    /// <summary>What is emitted to the id of a socket that another node has given it arrives here, until it is gone.</summary>
    public void HoldSid(SocketRecovery recovery, string sid)
    {
        recovery.HeldSid = sid;
        server.RoomInterest?.Invoke(ns.Name, sid, true);
    }

    /// <summary>No longer.</summary>
    public void DropSid(SocketRecovery? recovery)
    {
        if (recovery?.HeldSid is { } sid)
        {
            recovery.HeldSid = null;
            server.RoomInterest?.Invoke(ns.Name, sid, false);
        }
    }

    private static LoggedEvent Alone(in Packet packet, string sid)
    {
        byte[][] attachments = new byte[packet.Arguments.Attachments.Length][];
        for (int i = 0; i < attachments.Length; i++)
        {
            attachments[i] = packet.Arguments.Attachments[i].ToArray();
        }

        return new LoggedEvent(packet.Seq, TimeSpan.Zero, packet.Event, packet.Arguments.Utf8.ToArray(), packet.Arguments.Count, attachments, [], [], sid);
    }

    private IReadOnlyList<Stretch> StretchesOf(CutOffSocket socket) => socket.History?.Stretches ?? [new Stretch(_log, 0, long.MaxValue, null, 0)];

    private static MovedStretch Move(Stretch stretch, List<ReplayLog> logs)
    {
        int log = logs.IndexOf(stretch.Log);
        if (log < 0)
        {
            log = logs.Count;
            logs.Add(stretch.Log);
        }

        return new MovedStretch(log, stretch.From, stretch.IsOpen ? stretch.Log.Position : stretch.UpTo, stretch.Heard, stretch.HeardUpTo);
    }

    private ReplayLog Restore(MovedLog moved)
    {
        ReplayLog log = server.CreateLog();
        log.Restore(ns.Name, moved.Position, moved.Events, TimeSpan.Zero, moved.Floor);
        return log;
    }

    // Under the gate, as sockets read in them.
    private void TrimCarried()
    {
        _carried.ForEach(static log => log.Trim());
        _carried.RemoveAll(static log => log.Count == 0);
    }
}

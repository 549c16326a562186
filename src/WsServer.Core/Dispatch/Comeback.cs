using WsServer.Cluster;
using WsServer.Connections;
using WsServer.Diagnostics;
using WsServer.Recovery;
using WsServer.Wire;

namespace WsServer.Dispatch;

/// <summary>What became of a client that asked for what it had.</summary>
internal enum ComebackOutcome
{
    /// <summary>It has it again, and is in its namespace.</summary>
    Recovered,

    /// <summary>It cannot have it: it joins like any other.</summary>
    New,

    /// <summary>Its socket has ended in the meantime.</summary>
    Ended,
}

/// <summary>How a client gets back the socket that it had: its id, its rooms, what was kept with it, and what it missed.</summary>
internal sealed class Comeback(EventSocket socket, SocketRecovery recovery, EventRuntime runtime)
{
    private readonly EventNamespace _namespace = socket.Namespace;

    public async Task<ComebackOutcome> RunAsync()
    {
        (CutOffSocket? back, bool isLate) = await TakeAsync().ConfigureAwait(false);
        if (back is null)
        {
            return isLate ? ComebackOutcome.Ended : ComebackOutcome.New;
        }

        recovery.IsRecovered = true;

        // Whom the program had made of somebody is his who comes back; credentials that are there speak for themselves.
        socket.Become(back.Sid, UserIdentity.IsSignedIn(socket.CredentialUser) ? back.State with { User = null } : back.State);
        EventError? refusal = await AuthorizeAsync(back).ConfigureAwait(false);
        if (refusal is null && runtime.Options.RunMiddlewareOnRecovery)
        {
            refusal = await _namespace.Lifecycle.AdmitAsync(socket, runtime).ConfigureAwait(false);
        }

        if (refusal is not null)
        {
            socket.Life.Refuse(refusal);
            return End(back);
        }

        return Enter(back);
    }

    /// <summary>
    /// Asks the policies again, as the credentials are those that the client has come back with; why it is not let in, or
    /// null. Rooms that it may no longer be in are no longer among what it had, nor is what it has missed in them.
    /// </summary>
    private async ValueTask<EventError?> AuthorizeAsync(CutOffSocket back)
    {
        EventError? refusal = await Entrance.AuthorizeAsync(socket, runtime).ConfigureAwait(false);
        if (refusal is not null || _namespace.Access is not { GuardsRooms: true } access)
        {
            return refusal;
        }

        try
        {
            var rooms = new Dictionary<string, long>(StringComparer.Ordinal);
            foreach ((string room, long position) in back.Rooms)
            {
                if (await access.CheckRoomAsync(socket, room).ConfigureAwait(false) is null)
                {
                    rooms.Add(room, position);
                }
            }

            back.Rooms = rooms;
            return null;
        }
        catch (Exception exception)
        {
            runtime.Logger.LifecycleFailed(exception, "authorization", socket.Id, _namespace.Name);
            return runtime.Describe(exception);
        }
    }

    /// <summary>
    /// Takes out what the client had; null when there is nothing, or the log no longer reaches back. Late is who finds it
    /// taken by one that came after it.
    /// </summary>
    private async Task<(CutOffSocket? Back, bool IsLate)> TakeAsync()
    {
        EventSocket? last = null;
        SessionPull? pull = null;
        while (true)
        {
            if (_namespace.Recovery.TryTake(socket, recovery, out CutOffSocket? back, out EventSocket? holder))
            {
                if (back is not null || runtime.Moves is not { } moves)
                {
                    return (back, false);
                }

                (PullOutcome outcome, back) = await (pull ??= moves.Pull(socket, recovery)).TryAsync().ConfigureAwait(false);
                switch (outcome)
                {
                    case PullOutcome.Busy:
                        continue;
                    case PullOutcome.Late:
                        socket.Life.GiveWayElsewhere();
                        return (null, true);
                    default:
                        return (back, false);
                }
            }

            if (holder.Recovery!.Arrival > recovery.Arrival)
            {
                // The client was cut off again meanwhile, which the server has not noticed yet, and is there already.
                socket.Life.GiveWay();
                return (null, true);
            }

            if (holder == last)
            {
                // It is over, but its handlers do not let go of it.
                return (null, false);
            }

            // The server has not noticed yet that the connection is dead; or a second client has the secret.
            last = holder;
            holder.Life.GiveWay();
            await holder.Life.Finished.ConfigureAwait(false);
        }
    }

    private ComebackOutcome Enter(CutOffSocket back)
    {
        // Before the gate is closed, as handlers of room events run here. The socket takes nothing yet: what is emitted
        // from here on stands in the log.
        _namespace.Recovery.HoldSid(recovery, back.Sid);
        socket.Enter();
        _namespace.Recovery.RestoreJoins(recovery, back);
        socket.TryJoin([.. back.Rooms.Keys]);
        Gathering gathering = Gathering.Open();
        try
        {
            if (TryReplay(back))
            {
                _namespace.Recovery.Release(back);
                return ComebackOutcome.Recovered;
            }
        }
        finally
        {
            gathering.Close();
        }

        socket.LeaveAll();
        _namespace.Recovery.RestoreJoins(recovery, null);
        _namespace.Recovery.DropSid(recovery);
        if (socket.Life.HasEnded)
        {
            return End(back);
        }

        _namespace.Recovery.GiveUp(back);
        recovery.IsRecovered = false;
        socket.Become(runtime.NewSid(), default);
        return ComebackOutcome.New;
    }

    private bool TryReplay(CutOffSocket back)
    {
        var missed = new List<Packet>();
        lock (_namespace.Recovery.Gate)
        {
            if (!_namespace.Recovery.TryReadMissed(back, recovery.AskedSeq, missed))
            {
                return false;
            }

            NamespaceRecovery.Resume(recovery, back, missed.Count == 0 ? 0 : missed[^1].Seq);
            var connected = new Packet(PacketKind.Connected)
            {
                Namespace = _namespace.Name,
                Sid = socket.Id,
                Session = recovery.Session,
                Seq = _namespace.Recovery.Position,
                IsRecovered = true,
            };
            if (!socket.Life.TryConnect(connected, missed))
            {
                // Ended, or it has missed more than may wait for it.
                recovery.Session = null;
                return false;
            }

        }

        runtime.Logger.CameBack(socket.Id, _namespace.Name, missed.Count);
        return true;
    }

    private ComebackOutcome End(CutOffSocket back)
    {
        if (recovery.IsCutOff)
        {
            _namespace.Recovery.PutBack(back);
        }
        else
        {
            _namespace.Recovery.GiveUp(back);
        }

        return ComebackOutcome.Ended;
    }
}

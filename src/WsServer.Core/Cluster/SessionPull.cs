using WsServer.Diagnostics;
using WsServer.Recovery;

namespace WsServer.Cluster;

/// <summary>What an attempt to bring a client's session here has come to.</summary>
internal enum PullOutcome
{
    /// <summary>It is here.</summary>
    Arrived,

    /// <summary>There is none that the client could come back to.</summary>
    None,

    /// <summary>A later connection of the client has it.</summary>
    Late,

    /// <summary>It is on its way somewhere: look again.</summary>
    Busy,
}

/// <summary>Brings to this node what its client had on another one.</summary>
internal sealed class SessionPull(
    ServerNode node, NamespaceTable namespaces, SessionMoves moves, EventRuntime runtime, EventSocket socket, SocketRecovery recovery)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly long _begun = runtime.Time.GetTimestamp();
    private readonly SessionSought _sought = new(
        recovery.Asked!, socket.Namespace.Name, NamespaceRecovery.IdentityOf(socket), recovery.AskedSeq, socket.Handshake.Time);

    /// <summary>Tries once. Waits a moment before it says that there is something to look for again.</summary>
    /// <returns>What has come of it, and what the client had: from then on it is the socket's.</returns>
    public async Task<(PullOutcome Outcome, CutOffSocket? Back)> TryAsync()
    {
        (PullOutcome outcome, CutOffSocket? back) = await TryOnceAsync().ConfigureAwait(false);
        if (outcome != PullOutcome.Busy)
        {
            return (outcome, back);
        }

        // As long as it takes on the other node until the handlers of a socket are given up, and a word there and back.
        if (runtime.Time.GetElapsedTime(_begun) > runtime.Options.HandlerGracePeriod + runtime.Options.Cluster.RequestTimeout || socket.Life.HasEnded)
        {
            return (PullOutcome.None, null);
        }

        await Task.Delay(Pause, runtime.Time).ConfigureAwait(false);
        return (PullOutcome.Busy, null);
    }

    private async Task<(PullOutcome Outcome, CutOffSocket? Back)> TryOnceAsync()
    {
        if (!RandomId.IsOne(_sought.Session))
        {
            return (PullOutcome.None, null);
        }

        if (!moves.TryBegin(_sought.Session))
        {
            return (PullOutcome.Busy, null);
        }

        try
        {
            (SessionFound found, string? where, long position, string[] rooms) = await FindAsync().ConfigureAwait(false);
            return found switch
            {
                SessionFound.Here => await TakeAsync(where!, position, rooms).ConfigureAwait(false),
                SessionFound.Busy => (PullOutcome.Busy, null),
                SessionFound.Late => (PullOutcome.Late, null),
                _ => (PullOutcome.None, null),
            };
        }
        catch (Exception exception)
        {
            // What another node has said, for example: the client is to be let in all the same.
            runtime.Logger.SessionMoveFailed(exception, socket.Namespace.Name);
            return (PullOutcome.None, null);
        }
        finally
        {
            moves.End(_sought.Session);
        }
    }

    private async Task<(PullOutcome Outcome, CutOffSocket? Back)> TakeAsync(string where, long position, string[] rooms)
    {
        EventNamespace ns = socket.Namespace;
        using SessionMoves.RoomHold hold = await moves.HoldAsync(ns.Name, rooms).ConfigureAwait(false);
        moves.SetUnderWay(_sought.Session);
        CutOffSocket? back = null;
        Departure departure = await moves.TakeAsync(
            ns,
            where,
            position,
            (content, below) =>
            {
                content.Byte((byte)SessionRequest.Take);
                _sought.Write(content);
                content.Int64(below);
            },
            (moved, from) =>
            {
                // Its place in the namespace, which is there as the client is in it.
                namespaces.Keep(ns);
                back = ns.Recovery.Arrive(moved, from, socket).FirstOrDefault();
                if (back is null)
                {
                    namespaces.Release(ns);
                }
            }).ConfigureAwait(false);
        return back is not null ? (PullOutcome.Arrived, back) : (departure == Departure.Unusable ? PullOutcome.None : PullOutcome.Busy, null);
    }

    /// <summary>Asks the node where the session began, and all when it is not there.</summary>
    private async Task<(SessionFound Found, string? Where, long Position, string[] Rooms)> FindAsync()
    {
        string home = Channels.NodeOf(_sought.Session).ToString();
        if (node.Nodes.Has(home))
        {
            NodeReply? reply = await node.AskNodeAsync(home, RequestKind.Session, Write).ConfigureAwait(false);
            (SessionFound found, string? where, long position, string[] rooms) = reply is { } answer ? Read(answer) : (SessionFound.None, null, 0, []);
            if (found != SessionFound.None)
            {
                return (found, where, position, rooms);
            }
        }

        (SessionFound Found, string? Where, long Position, string[] Rooms) best = (SessionFound.None, null, 0, []);
        foreach (NodeReply reply in await node.AskAsync(RequestKind.Session, null, Write).ConfigureAwait(false))
        {
            (SessionFound Found, string?, long, string[]) one = Read(reply);
            best = one.Found > best.Found ? one : best;
        }

        return best;
    }

    private void Write(WireBuffer content)
    {
        content.Byte((byte)SessionRequest.Find);
        _sought.Write(content);
    }

    private static (SessionFound Found, string? Where, long Position, string[] Rooms) Read(NodeReply reply)
    {
        if (reply.Content.IsEmpty)
        {
            return (SessionFound.None, null, 0, []);
        }

        var content = new WireReader(reply.Content);
        var found = (SessionFound)content.Byte();
        return found == SessionFound.Here ? (found, reply.Node, content.Int64(), content.Texts()) : (found, reply.Node, 0, []);
    }
}

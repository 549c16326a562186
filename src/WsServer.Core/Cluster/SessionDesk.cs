using WsServer.Diagnostics;
using WsServer.Recovery;

namespace WsServer.Cluster;

/// <summary>Answers other nodes that look for what their clients had here.</summary>
internal sealed class SessionDesk(ServerNode node, NamespaceTable namespaces, SessionMoves moves, EventRuntime runtime)
{
    /// <summary>Called by the thread that receives: what was published before the request has been dealt with.</summary>
    public void Asked(NodeRequest request)
    {
        WireReader content = request.Content;
        switch ((SessionRequest)content.Byte())
        {
            case SessionRequest.Find:
                _ = FindAsync(request, SessionSought.Read(ref content));
                break;
            case SessionRequest.Take:
                Take(request, SessionSought.Read(ref content), content.Int64());
                break;
            case SessionRequest.TakeOffered:
                TakeOffered(request, content.Name(), content.Int64(), content.Texts());
                break;
            case SessionRequest.Offer:
                _ = new SessionAdoption(namespaces, moves, runtime).RunAsync(request, content.Name(), content.Int64(), content.Texts(), content.Texts());
                break;
            default:
                request.Done();
                break;
        }
    }

    private static WireBuffer Answer(SessionFound found)
    {
        var answer = new WireBuffer();
        answer.Byte((byte)found);
        return answer;
    }

    private async Task FindAsync(NodeRequest request, SessionSought sought)
    {
        try
        {
            request.Done(await FindAsync(sought).ConfigureAwait(false));
        }
        catch (Exception exception)
        {
            runtime.Logger.NodeRequestFailed(exception, nameof(SessionRequest.Find), request.Sender);
            request.Done();
        }
    }

    private async Task<WireBuffer> FindAsync(SessionSought sought)
    {
        EventSocket? last = null;
        while (true)
        {
            if (moves.IsComing(sought.Session))
            {
                return Answer(SessionFound.Busy);
            }

            if (namespaces.Peek(sought.Namespace) is not { } ns)
            {
                return Answer(SessionFound.None);
            }

            (CutOffSocket? cutOff, EventSocket? holder, long position) = ns.Recovery.Find(sought.Session, sought.Identity);
            if (cutOff is not null)
            {
                WireBuffer answer = Answer(SessionFound.Here);
                answer.Int64(position);
                answer.Texts([.. cutOff.Rooms.Keys]);
                return answer;
            }

            if (holder is null || holder == last)
            {
                // Nothing; or it is over, but its handlers do not let go of it.
                return Answer(SessionFound.None);
            }

            if (holder.Handshake.Time > sought.ConnectedAt)
            {
                return Answer(SessionFound.Late);
            }

            // This node has not noticed yet that the connection is dead; or a second client has the secret.
            holder.Life.GiveWay();
            try
            {
                await holder.Life.Finished.WaitAsync(runtime.Options.Cluster.RequestTimeout / 2, runtime.Time).ConfigureAwait(false);
                last = holder;
            }
            catch (TimeoutException)
            {
                return Answer(SessionFound.Busy);
            }
        }
    }

    private void Take(NodeRequest request, SessionSought sought, long below)
    {
        if (namespaces.Peek(sought.Namespace) is not { } ns)
        {
            request.Done();
            return;
        }

        Departure departure = ns.Recovery.Give(sought.Session, sought.Identity, sought.Seq, below, Heard, out CutOffSocket? given, out MovedSockets? moved);
        if (Reply(request, departure, moved))
        {
            ns.Recovery.Gone(given!);
        }
        else if (moved is not null)
        {
            ns.Recovery.PutBack(given!);
        }
    }

    private void TakeOffered(NodeRequest request, string name, long below, string[] sessions)
    {
        if (namespaces.Peek(name) is not { } ns)
        {
            request.Done();
            return;
        }

        Departure departure = ns.Recovery.GiveAll(sessions, below, Heard, out List<CutOffSocket> given, out MovedSockets? moved);
        given.ForEach(Reply(request, departure, moved) ? ns.Recovery.Gone : ns.Recovery.PutBack);
    }

    private Heard Heard() => new(node.Numbers());

    // Whether something was given and goes.
    private bool Reply(NodeRequest request, Departure departure, MovedSockets? moved)
    {
        var answer = new WireBuffer();
        answer.Byte((byte)departure);
        try
        {
            if (moved is not null)
            {
                MovedSocketsForm.Write(answer, moved);
            }
        }
        catch (Exception exception)
        {
            // An item of the program's that cannot be written, for example: then it stays here.
            runtime.Logger.NodeRequestFailed(exception, nameof(SessionRequest.Take), request.Sender);
            answer.Dispose();
            request.Done();
            return false;
        }

        return request.DoneInParts(answer) && moved is not null;
    }
}

using WsServer.Diagnostics;
using WsServer.Recovery;

namespace WsServer.Cluster;

/// <summary>Takes over what the clients of a node that stops can come back to.</summary>
internal sealed class SessionAdoption(NamespaceTable namespaces, SessionMoves moves, EventRuntime runtime)
{
    public async Task RunAsync(NodeRequest request, string name, long position, string[] rooms, string[] sessions)
    {
        int count = 0;
        try
        {
            count = runtime.IsStopping || !runtime.Recovery.IsOn ? 0 : await AdoptAsync(request.Sender, name, position, rooms, sessions).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // A rule of the program's, or what the other has said.
            runtime.Logger.SessionMoveFailed(exception, name);
        }

        var answer = new WireBuffer();
        answer.Number(count);
        request.Done(answer);
    }

    private async Task<int> AdoptAsync(string sender, string name, long position, string[] rooms, string[] sessions)
    {
        if (namespaces.Acquire(name) is not { } ns)
        {
            return 0;
        }

        // One that a client is bringing here itself is its affair.
        string[] own = Array.FindAll(sessions, session => moves.TryBegin(session, isUnderWay: true));
        int count = 0;
        try
        {
            using SessionMoves.RoomHold hold = await moves.HoldAsync(name, rooms).ConfigureAwait(false);
            await moves.TakeAsync(
                ns,
                sender,
                position,
                (content, below) =>
                {
                    content.Byte((byte)SessionRequest.TakeOffered);
                    content.Text(name);
                    content.Int64(below);
                    content.Texts(own);
                },
                (moved, from) =>
                {
                    foreach (MovedSocket _ in moved.Sockets)
                    {
                        namespaces.Keep(ns);
                    }

                    count = ns.Recovery.Arrive(moved, from, holder: null).Count;
                    for (int i = count; i < moved.Sockets.Count; i++)
                    {
                        namespaces.Release(ns);
                    }
                }).ConfigureAwait(false);
        }
        finally
        {
            Array.ForEach(own, moves.End);
            namespaces.Release(ns);
        }

        runtime.Logger.SessionsAdopted(count, name, sender);
        return count;
    }
}

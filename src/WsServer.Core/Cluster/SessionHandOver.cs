using WsServer.Diagnostics;
using WsServer.Recovery;

namespace WsServer.Cluster;

/// <summary>Hands to the other nodes what clients of this one can come back to, as it stops.</summary>
internal sealed class SessionHandOver(ServerNode node, EventRuntime runtime)
{
    // Together, as they share a log; in several parts, so that each node gets some.
    private const int MaxTogether = 500;

    /// <summary>Goes on until all are handed over, no node takes any, or it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        int turn = 0;
        int count = 0;
        try
        {
            foreach (IGrouping<EventNamespace, CutOffSocket> sockets in runtime.Recovery.CutOff.All().GroupBy(s => s.Namespace))
            {
                foreach (CutOffSocket[] some in sockets.Chunk(MaxTogether))
                {
                    count += await OfferAsync(sockets.Key, some, turn++, cancellation).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            runtime.Logger.HandOverCutShort(runtime.Recovery.CutOff.Count);
        }
        catch (Exception exception)
        {
            // The server is to stop all the same.
            runtime.Logger.SessionMoveFailed(exception, "");
        }

        runtime.Logger.SessionsHandedOver(count, runtime.Recovery.CutOff.Count);
    }

    private async Task<int> OfferAsync(EventNamespace ns, CutOffSocket[] sockets, int turn, CancellationToken cancellation)
    {
        IReadOnlyList<ClusterMember> peers = node.Nodes.Members;
        string[] rooms = [.. sockets.SelectMany(s => s.Rooms.Keys).Distinct(StringComparer.Ordinal)];
        string[] sessions = [.. sockets.Select(s => s.Session)];
        for (int i = 0; i < peers.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            NodeReply? reply = await node.AskNodeAsync(
                peers[(turn + i) % peers.Count].Id,
                RequestKind.Session,
                content =>
                {
                    content.Byte((byte)SessionRequest.Offer);
                    content.Text(ns.Name);
                    content.Int64(ns.Recovery.Find("", null).Position);
                    content.Texts(rooms);
                    content.Texts(sessions);
                }).WaitAsync(cancellation).ConfigureAwait(false);
            if (reply is { Content.IsEmpty: false } answer && new WireReader(answer.Content).Number() is > 0 and int count)
            {
                return count;
            }
        }

        return 0;
    }
}

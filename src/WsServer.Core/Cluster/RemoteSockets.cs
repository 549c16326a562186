using System.Text.Json;
using WsServer.Wire;

namespace WsServer.Cluster;

/// <summary>Gathers what sockets of other nodes answer.</summary>
internal interface IRemoteAcks
{
    /// <summary>So many more will ask and close.</summary>
    void Open(int more);

    /// <summary>One of them is through.</summary>
    void Close();

    /// <summary>These sockets were asked.</summary>
    void Asked(IEnumerable<string> sids);

    /// <summary>One has answered.</summary>
    void Answered(string sid, in Packet ack);

    /// <summary>One has left.</summary>
    void Gone(string sid);
}

/// <summary>What can be asked of the sockets of other nodes that an audience means. The counterpart is <see cref="RemoteCalls"/>.</summary>
internal readonly struct RemoteSockets(ServerNode node, Audience audience)
{
    public async Task EmitWithAcksAsync(Packet packet, IRemoteAcks acks, TimeSpan timeout)
    {
        Requests.Pending pending = node.Ask(
            RequestKind.EmitWithAcks,
            audience,
            content =>
            {
                content.Text(packet.Event);
                content.Arguments(packet.Arguments);
                content.Int64((long)timeout.TotalMilliseconds);
            },
            new AckReplies(acks));
        await node.WaitAsync(pending, timeout).ConfigureAwait(false);
    }

    public async Task<int> CountAsync()
    {
        int count = 0;
        foreach (NodeReply reply in await node.AskAsync(RequestKind.Count, audience).ConfigureAwait(false))
        {
            count += reply.Content.IsEmpty ? 0 : new WireReader(reply.Content).Number();
        }

        return count;
    }

    public async Task<List<RemoteSocket>> FetchAsync(EventNamespace ns)
    {
        var sockets = new List<RemoteSocket>();
        foreach (NodeReply reply in await node.AskAsync(RequestKind.Fetch, audience).ConfigureAwait(false))
        {
            if (!reply.Content.IsEmpty)
            {
                sockets.AddRange(JsonSerializer.Deserialize(reply.Content.Span, SocketDescriptionContext.Default.ListSocketDescription)!.Select(s => s.ToSocket(ns)));
            }
        }

        return sockets;
    }

    public Task JoinAsync(string[] rooms) => node.AskAsync(RequestKind.Join, audience, content => content.Texts(rooms));

    public Task LeaveAsync(string[] rooms) => node.AskAsync(RequestKind.Leave, audience, content => content.Texts(rooms));

    public Task DisconnectAsync(bool close) => node.AskAsync(RequestKind.Disconnect, audience, content => content.Bool(close));

    /// <summary>Passes on what other nodes tell of their sockets.</summary>
    private sealed class AckReplies(IRemoteAcks acks) : IReplies
    {
        private readonly Dictionary<string, string[]> _asked = new(StringComparer.Ordinal);

        public void Open(int nodes) => acks.Open(nodes);

        public void Part(string node, WireReader content)
        {
            switch ((AckPart)content.Byte())
            {
                case AckPart.Asked:
                    acks.Asked(_asked[node] = content.Texts());
                    break;
                case AckPart.Answered:
                    string sid = content.Text();
                    acks.Answered(sid, new Packet(PacketKind.Ack) { Arguments = content.Arguments() });
                    break;
                case AckPart.Failed:
                    sid = content.Text();
                    acks.Answered(sid, new Packet(PacketKind.Ack) { Error = ErrorObject.Read(content.Bytes().Span) });
                    break;
                case AckPart.Gone:
                    acks.Gone(content.Text());
                    break;
                default:
                    throw new InvalidDataException("An answer of another node is of no known kind.");
            }
        }

        public void Close(string node, bool isGone)
        {
            // Those who have answered already stay with what they said.
            Array.ForEach(isGone ? _asked.GetValueOrDefault(node, []) : [], acks.Gone);
            acks.Close();
        }
    }
}

/// <summary>A part of the answer to <see cref="RequestKind.EmitWithAcks"/>.</summary>
internal enum AckPart : byte
{
    /// <summary>Who was asked.</summary>
    Asked = 1,

    /// <summary>A socket's answer.</summary>
    Answered = 2,

    /// <summary>Its error.</summary>
    Failed = 3,

    /// <summary>It has left.</summary>
    Gone = 4,
}

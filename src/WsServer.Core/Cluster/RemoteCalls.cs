using System.Text.Json;
using WsServer.Diagnostics;
using WsServer.Recovery;
using WsServer.Wire;

namespace WsServer.Cluster;

/// <summary>Does for the sockets of this node what other nodes ask for: the counterpart of <see cref="RemoteSockets"/>.</summary>
internal sealed class RemoteCalls
{
    private readonly ServerNode _node;
    private readonly NamespaceTable _namespaces;
    private readonly EventRuntime _runtime;

    private RemoteCalls(ServerNode node, NamespaceTable namespaces, EventRuntime runtime)
    {
        _node = node;
        _namespaces = namespaces;
        _runtime = runtime;
    }

    public static void Serve(ServerNode node, NamespaceTable namespaces, EventRuntime runtime)
    {
        var calls = new RemoteCalls(node, namespaces, runtime);
        node.Handle(MessageKind.Emit, calls.Emit);
        node.Handle(RequestKind.EmitWithAcks, calls.EmitWithAcks);
        node.Handle(RequestKind.Fetch, calls.Fetch);
        node.Handle(RequestKind.Count, calls.Count);
        node.Handle(RequestKind.Join, calls.Join);
        node.Handle(RequestKind.Leave, calls.Leave);
        node.Handle(RequestKind.Disconnect, calls.Disconnect);
    }

    private void Emit(string node, WireReader content)
    {
        (Audience audience, Packet packet) = Envelopes.ReadEmit(ref content);
        _namespaces.Peek(audience.Namespace)?.Deliver(audience, packet, node: null, new Origin(node, _node.Receiving));
    }

    private void EmitWithAcks(NodeRequest request)
    {
        WireReader content = request.Content;
        if (Find(request) is not { } sockets)
        {
            request.Done();
            return;
        }

        var packet = new Packet(PacketKind.Event)
        {
            Namespace = request.Audience!.Namespace,
            Event = content.Name(),
            Arguments = content.Arguments(),
            Id = _runtime.NextId(),
        };
        var timeout = TimeSpan.FromMilliseconds(Math.Clamp(content.Int64(), 1, int.MaxValue));
        var acks = new RemoteAcks(request, packet.Id);
        sockets.Ask(acks, packet);
        acks.Seal();
        _ = EndAfterAsync(acks, timeout);
    }

    private async Task EndAfterAsync(RemoteAcks acks, TimeSpan timeout)
    {
        await Task.WhenAny(acks.Ended, Task.Delay(timeout, _runtime.Time)).ConfigureAwait(false);
        acks.End();
    }

    private void Fetch(NodeRequest request)
    {
        if (Find(request) is not { } sockets)
        {
            request.Done();
            return;
        }

        List<SocketDescription> found = sockets.ToList().ConvertAll(SocketDescription.Of);
        var answer = new WireBuffer();
        answer.Raw(JsonSerializer.SerializeToUtf8Bytes(found, SocketDescriptionContext.Default.ListSocketDescription));
        request.Done(answer);
    }

    private void Count(NodeRequest request)
    {
        var answer = new WireBuffer();
        answer.Number(Find(request)?.Count() ?? 0);
        request.Done(answer);
    }

    private void Join(NodeRequest request) => _ = JoinAsync(request, request.Content.Texts());

    private async Task JoinAsync(NodeRequest request, string[] rooms)
    {
        try
        {
            await (Find(request)?.JoinAsync(RoomNames.Checked(rooms, _runtime.Options)) ?? Task.CompletedTask).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            _runtime.Logger.NodeRequestFailed(exception, nameof(RequestKind.Join), request.Sender);
        }

        request.Done();
    }

    private void Leave(NodeRequest request)
    {
        Find(request)?.Leave(request.Content.Texts());
        request.Done();
    }

    private void Disconnect(NodeRequest request)
    {
        Find(request)?.Disconnect(request.Content.Bool());
        request.Done();
    }

    private LocalSockets? Find(NodeRequest request) =>
        request.Audience is { } audience && _namespaces.Peek(audience.Namespace) is { } ns ? new LocalSockets(ns, audience) : null;
}

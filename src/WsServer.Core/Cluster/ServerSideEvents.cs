using System.Threading.Channels;
using WsServer.Diagnostics;
using WsServer.Wire;

namespace WsServer.Cluster;

/// <summary>
/// Events from program to program. They are handled one after the other and apart from everything else, so that a handler
/// that waits holds up no other message.
/// </summary>
internal sealed class ServerSideEvents
{
    private const int MaxWaiting = 10_000;

    private readonly NamespaceTable _namespaces;
    private readonly EventRuntime _runtime;
    private readonly Channel<Waiting> _waiting = Channel.CreateBounded<Waiting>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });

    private ServerSideEvents(NamespaceTable namespaces, EventRuntime runtime)
    {
        _namespaces = namespaces;
        _runtime = runtime;
        _ = Task.Run(RunAsync);
    }

    public static ServerSideEvents Serve(ServerNode node, NamespaceTable namespaces, EventRuntime runtime)
    {
        var events = new ServerSideEvents(namespaces, runtime);
        node.Handle(MessageKind.ServerSide, (_, content) => events.Enqueue(content, request: null));
        node.Handle(RequestKind.ServerSide, request => events.Enqueue(request.Content, request));
        return events;
    }

    public static void Write(WireBuffer content, string ns, string name, JsonArguments arguments)
    {
        content.Text(ns);
        content.Text(name);
        content.Arguments(arguments);
    }

    public static async Task<IReadOnlyList<NodeAck<T>>> AskAsync<T>(
        ServerNode node, EventSerializer serializer, string ns, string name, JsonArguments arguments, TimeSpan timeout)
    {
        IReadOnlyList<ClusterMember> members = node.IsConnected ? node.Nodes.Members : [];
        IReadOnlyList<NodeReply> replies = await node.AskAsync(RequestKind.ServerSide, null, content => Write(content, ns, name, arguments), timeout).ConfigureAwait(false);
        var acks = new List<NodeAck<T>>();
        foreach (ClusterMember member in members)
        {
            NodeReply reply = replies.FirstOrDefault(r => r.Node == member.Id);
            acks.Add(reply.Node is not null ? Read<T>(member, serializer, reply.Content)
                : new NodeAck<T>(member, node.Nodes.Has(member.Id) ? AckOutcome.TimedOut : AckOutcome.Left));
        }

        return acks;
    }

    /// <summary>Takes nothing more.</summary>
    public void Stop() => _waiting.Writer.TryComplete();

    private static NodeAck<T> Read<T>(ClusterMember member, EventSerializer serializer, ReadOnlyMemory<byte> reply)
    {
        var content = new WireReader(reply);
        try
        {
            return content.Bool()
                ? new NodeAck<T>(member, AckOutcome.Answered, serializer.Read<T>(content.Arguments()))
                : new NodeAck<T>(member, AckOutcome.Failed, Error: ErrorObject.Read(content.Bytes().Span));
        }
        catch (EventException exception)
        {
            return new NodeAck<T>(member, AckOutcome.Failed, Error: exception.Error);
        }
    }

    private void Enqueue(WireReader content, NodeRequest? request)
    {
        var waiting = new Waiting(content.Name(), content.Name(), content.Arguments().Copy(), request);
        if (!_waiting.Writer.TryWrite(waiting))
        {
            _runtime.Metrics.BackplaneIgnored("too_many");
            Answer(waiting, default, new EventError("busy", "The node has too many server-side events to handle."));
        }
    }

    private async Task RunAsync()
    {
        await foreach (Waiting waiting in _waiting.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                ServerSideHandlers? handlers = _namespaces.Peek(waiting.Namespace)?.ServerSide;
                JsonArguments answer = handlers is null
                    ? throw new EventException(ErrorCodes.UnknownNamespace, $"No namespace '{waiting.Namespace}'.")
                    : await handlers.RunAsync(waiting.Event, waiting.Arguments).ConfigureAwait(false);
                Answer(waiting, answer, null);
            }
            catch (EventException exception)
            {
                Answer(waiting, default, exception.Error);
            }
            catch (Exception exception)
            {
                _runtime.Logger.ServerSideFailed(exception, waiting.Event, waiting.Namespace);
                Answer(waiting, default, _runtime.Describe(exception));
            }
        }
    }

    private static void Answer(Waiting waiting, JsonArguments value, EventError? error)
    {
        if (waiting.Request is not { } request)
        {
            return;
        }

        var answer = new WireBuffer();
        answer.Bool(error is null);
        if (error is null)
        {
            answer.Arguments(value);
        }
        else
        {
            using JsonScratch scratch = JsonScratch.Rent();
            error.WriteTo(scratch.Writer);
            answer.Bytes(scratch.Finish());
        }

        request.Done(answer);
    }

    private sealed record Waiting(string Namespace, string Event, JsonArguments Arguments, NodeRequest? Request);
}

using WsServer.Cluster;

namespace WsServer.Presence;

/// <summary>Who is where, on all nodes, for the namespaces of this node that want to know.</summary>
/// <remarks>
/// Safe for concurrent use. All state is under one gate, as this node's changes have one order for all others. Under it
/// nothing waits and no code of the program's runs.
/// </remarks>
internal sealed class ServerPresence
{
    private readonly string _node;
    private readonly EventRuntime _runtime;
    private readonly PresenceState _own;
    private readonly PresencePeers? _peers;

    public ServerPresence(EventRuntime runtime, NamespaceTable namespaces)
    {
        _runtime = runtime;
        _node = runtime.Node?.Id ?? "";
        _own = new PresenceState(Views);
        if (runtime.Node is { } node)
        {
            PresencePeers peers = _peers = new PresencePeers(node, this, _own, runtime);
            node.Handle(RequestKind.Presence, request =>
            {
                if (request.Audience is { } audience)
                {
                    PresenceQuery.Answer(request, namespaces.Peek(audience.Namespace));
                }
                else
                {
                    peers.Asked(request);
                }
            });
        }
    }

    public Lock Gate { get; } = new();

    public PresenceViews Views { get; } = new();

    /// <summary>Ends when all that the other nodes have to tell is known, or they have had the time for it.</summary>
    public Task WhenKnownAsync() => _peers?.WhenKnownAsync() ?? Task.CompletedTask;

    /// <summary>A socket of this node as it was told of; under the gate.</summary>
    public PresenceMember? Find(string ns, string sid) => _own.Find(ns, sid);

    public void Enter(string ns, string sid, object source, long joinedAt, byte[]? metadata, IEnumerable<KeyValuePair<string, long>> rooms)
    {
        var member = new PresenceMember(_node, ns, sid, joinedAt) { Source = source, Metadata = metadata };
        foreach ((string room, long at) in rooms)
        {
            member.Join(room, at);
        }

        _own.Enter(member);
        _peers?.Tell(PresenceWord.Enter, member);
    }

    public void Exit(PresenceMember member)
    {
        _own.Exit(member);
        _peers?.Tell(PresenceWord.Exit, member);
    }

    public void Join(PresenceMember member, string room, long at)
    {
        _own.Join(member, room, at);
        _peers?.Tell(PresenceWord.Join, member, room);
    }

    public void Leave(PresenceMember member, string room)
    {
        _own.Leave(member, room);
        _peers?.Tell(PresenceWord.Leave, member, room);
    }

    public void Describe(PresenceMember member, byte[]? metadata)
    {
        _own.Describe(member, metadata);
        _peers?.Tell(PresenceWord.Describe, member);
    }

    /// <summary>What an audience is at this moment, of those that are known.</summary>
    public List<PresenceEntry> Find(Audience audience)
    {
        lock (Gate)
        {
            return Views.Find(audience.Namespace) is not { } view ? []
                : PresenceQuery.Find(view, audience).Where(f => !audience.IsLocal || f.Member.Node == _node)
                    .Select(f => new PresenceEntry(_runtime.Serializer, f.Member.Sid, f.Member.Node, f.JoinedAt, f.Member.Metadata)).ToList();
        }
    }
}

using Microsoft.Extensions.Logging;
using WsServer.Diagnostics;

namespace WsServer.Cluster;

/// <summary>Something that another node has asked. Whoever handles it answers to the end, once; in parts before, if it likes.</summary>
internal sealed class NodeRequest(ServerNode node, string sender, long id, Audience? audience, WireReader content)
{
    // What a message broker takes with ease.
    private const int PartLength = 256 * 1024;

    private int _isAnswered;

    /// <summary>Who asks.</summary>
    public string Sender => sender;

    /// <summary>The sockets that are meant; null when none are.</summary>
    public Audience? Audience => audience;

    /// <summary>What is asked, which lies in a buffer that is used again when the handler returns.</summary>
    public WireReader Content => content;

    /// <summary>Answers a part. The buffer is disposed of.</summary>
    public void Part(WireBuffer answer)
    {
        if (Volatile.Read(ref _isAnswered) == 0)
        {
            node.Reply(sender, id, isLast: false, answer);
        }
        else
        {
            answer.Dispose();
        }
    }

    /// <summary>Answers to the end; nothing is an answer, too. The buffer is disposed of. False when the answer does not go.</summary>
    public bool Done(WireBuffer? answer = null)
    {
        if (Interlocked.Exchange(ref _isAnswered, 1) == 0)
        {
            return node.Reply(sender, id, isLast: true, answer);
        }

        answer?.Dispose();
        return false;
    }

    /// <summary>The same for who puts parts together. The buffer is disposed of.</summary>
    public bool DoneInParts(WireBuffer answer)
    {
        using (answer)
        {
            for (ReadOnlyMemory<byte> rest = answer.Memory; !rest.IsEmpty; rest = rest[Math.Min(PartLength, rest.Length)..])
            {
                var part = new WireBuffer();
                part.Raw(rest.Span[..Math.Min(PartLength, rest.Length)]);
                if (!node.Reply(sender, id, isLast: false, part))
                {
                    return false;
                }
            }

            return Done();
        }
    }
}

/// <summary>Where the requests of other nodes arrive, and those that have not.</summary>
internal sealed class RequestDesk(ServerNode node, ILogger logger)
{
    private const int MaxRemembered = 10_000;

    private readonly Action<NodeRequest>?[] _handlers = new Action<NodeRequest>?[byte.MaxValue + 1];

    private readonly Lock _gate = new();

    // Those whose census has not come yet. It comes next from the same node, if it comes.
    private readonly HashSet<(string Node, long Id)> _arrived = [];

    public void Handle(RequestKind kind, Action<NodeRequest> handler) => _handlers[(byte)kind] = handler;

    public void Asked(string sender, WireReader content)
    {
        long id = content.Int64();
        var kind = (RequestKind)content.Byte();
        Audience? audience = content.Bool() ? content.ReadAudience() : null;
        if (audience is not null && !TryNote(sender, id))
        {
            throw new InvalidDataException("There are too many requests whose census has not come.");
        }

        var request = new NodeRequest(node, sender, id, audience, content);
        if (_handlers[(byte)kind] is not { } handler)
        {
            request.Done();
            return;
        }

        try
        {
            handler(request);
        }
        catch (Exception exception)
        {
            logger.NodeRequestFailed(exception, kind.ToString(), sender);
            request.Done();
        }
    }

    public void Counted(string sender, WireReader content)
    {
        long id = content.Int64();
        bool hasArrived;
        lock (_gate)
        {
            hasArrived = _arrived.Remove((sender, id));
        }

        if (!hasArrived)
        {
            node.Reply(sender, id, isLast: true, content: null);
        }
    }

    /// <summary>A node is gone, and its requests with it.</summary>
    public void Forget(string sender)
    {
        lock (_gate)
        {
            _arrived.RemoveWhere(a => a.Node == sender);
        }
    }

    private bool TryNote(string sender, long id)
    {
        lock (_gate)
        {
            return _arrived.Count < MaxRemembered && _arrived.Add((sender, id));
        }
    }
}

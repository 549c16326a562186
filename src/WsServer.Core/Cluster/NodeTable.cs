namespace WsServer.Cluster;

/// <summary>The other nodes, as far as they have been heard of lately, and how much of what each has said has been handled.</summary>
/// <remarks>Noted by one thread at a time, the one that receives; read by any.</remarks>
internal sealed class NodeTable(TimeSpan timeout, TimeProvider time)
{
    // Numbers of a node that is gone are kept for so long: what it said may come late, and must not count twice.
    private static readonly TimeSpan MemoryOfTheGone = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Node> _nodes = new(StringComparer.Ordinal);

    /// <summary>Those that are there.</summary>
    public IReadOnlyList<ClusterMember> Members
    {
        get
        {
            lock (_gate)
            {
                return [.. _nodes.Values.Select(n => n.Member).OfType<ClusterMember>()];
            }
        }
    }

    public bool Has(string node)
    {
        lock (_gate)
        {
            return _nodes.TryGetValue(node, out Node? found) && found.Member is not null;
        }
    }

    /// <summary>A node has said something of this number; false when that was there before.</summary>
    public bool TryNote(string node, long number)
    {
        lock (_gate)
        {
            Node found = GetOrAdd(node);
            found.HeardAt = time.GetTimestamp();
            if (number <= found.LastNumber)
            {
                return false;
            }

            found.LastNumber = number;
            return true;
        }
    }

    /// <summary>The last number that each has said something of.</summary>
    public Dictionary<string, long> Numbers()
    {
        lock (_gate)
        {
            return _nodes.ToDictionary(n => n.Key, n => n.Value.LastNumber, StringComparer.Ordinal);
        }
    }

    /// <summary>A node has said who it is; true when it was not known.</summary>
    public bool Join(ClusterMember member)
    {
        lock (_gate)
        {
            Node found = GetOrAdd(member.Id);
            bool isNew = found.Member is null;
            found.Member = member;
            found.HeardAt = time.GetTimestamp();
            return isNew;
        }
    }

    /// <summary>A node has said that it goes; null when it was not there.</summary>
    public ClusterMember? Leave(string node)
    {
        lock (_gate)
        {
            if (!_nodes.TryGetValue(node, out Node? found))
            {
                return null;
            }

            ClusterMember? member = found.Member;
            found.Member = null;
            return member;
        }
    }

    /// <summary>Takes out those that have not been heard of for too long.</summary>
    public IReadOnlyList<ClusterMember> TakeSilent()
    {
        List<ClusterMember>? silent = null;
        lock (_gate)
        {
            foreach ((string id, Node node) in _nodes)
            {
                TimeSpan silence = time.GetElapsedTime(node.HeardAt);
                if (node.Member is not null && silence > timeout)
                {
                    (silent ??= []).Add(node.Member);
                    node.Member = null;
                }
                else if (node.Member is null && silence > MemoryOfTheGone)
                {
                    _nodes.Remove(id);
                }
            }
        }

        return silent ?? [];
    }

    private Node GetOrAdd(string node) => _nodes.TryGetValue(node, out Node? found) ? found : _nodes[node] = new Node();

    private sealed class Node
    {
        public ClusterMember? Member { get; set; }

        public long LastNumber { get; set; }

        public long HeardAt { get; set; }
    }
}

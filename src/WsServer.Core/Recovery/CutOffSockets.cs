namespace WsServer.Recovery;

/// <summary>The sockets of a server that were cut off, in the order in which they were. When it is full, the oldest goes.</summary>
/// <param name="capacity">How many are kept.</param>
/// <param name="window">For how long.</param>
/// <param name="time">The time.</param>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class CutOffSockets(int capacity, TimeSpan window, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<CutOffSocket>> _bySession = new(StringComparer.Ordinal);
    private readonly LinkedList<CutOffSocket> _inOrder = new();

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _inOrder.Count;
            }
        }
    }

    /// <summary>All of them, in order.</summary>
    public IReadOnlyList<CutOffSocket> All()
    {
        lock (_gate)
        {
            return [.. _inOrder];
        }
    }

    /// <summary>Whether there is one of this session.</summary>
    public bool Has(string session)
    {
        lock (_gate)
        {
            return _bySession.ContainsKey(session);
        }
    }

    /// <summary>Keeps one; returns the one that had to go for it, if any.</summary>
    public CutOffSocket? Add(CutOffSocket socket)
    {
        lock (_gate)
        {
            CutOffSocket? oldest = _inOrder.Count == capacity ? _inOrder.First!.Value : null;
            if (oldest is not null)
            {
                Remove(oldest.Session);
            }

            // Nearly always the last; one that is put back was there before.
            LinkedListNode<CutOffSocket>? before = _inOrder.Last;
            while (before is not null && before.Value.Time > socket.Time)
            {
                before = before.Previous;
            }

            _bySession.Add(socket.Session, before is null ? _inOrder.AddFirst(socket) : _inOrder.AddAfter(before, socket));
            return oldest;
        }
    }

    /// <summary>The one of this session in this namespace, which stays; null when there is none of this identity.</summary>
    public CutOffSocket? Find(string session, EventNamespace ns, string? identity)
    {
        lock (_gate)
        {
            return _bySession.GetValueOrDefault(session)?.Value is { } found && found.Namespace == ns && found.Identity == identity ? found : null;
        }
    }

    /// <summary>Takes out the one of this session in this namespace, whosever it is; null when there is none.</summary>
    public CutOffSocket? Take(string session, EventNamespace ns)
    {
        lock (_gate)
        {
            if (_bySession.GetValueOrDefault(session)?.Value is not { } found || found.Namespace != ns)
            {
                return null;
            }

            Remove(session);
            return found;
        }
    }

    /// <summary>Takes out the one of this session in this namespace, expired or not; null when there is none of this identity.</summary>
    public CutOffSocket? Take(string session, EventNamespace ns, string? identity)
    {
        lock (_gate)
        {
            if (!_bySession.TryGetValue(session, out LinkedListNode<CutOffSocket>? node) || node.Value.Namespace != ns || node.Value.Identity != identity)
            {
                return null;
            }

            Remove(session);
            return node.Value;
        }
    }

    /// <summary>Takes out one whose time is over, if there is any.</summary>
    public CutOffSocket? TakeExpired()
    {
        lock (_gate)
        {
            if (_inOrder.First?.Value is not { } oldest || !IsExpired(oldest))
            {
                return null;
            }

            Remove(oldest.Session);
            return oldest;
        }
    }

    /// <summary>Whether its time is over.</summary>
    public bool IsExpired(CutOffSocket socket) => time.GetElapsedTime(socket.Time) > window;

    private void Remove(string session)
    {
        if (_bySession.Remove(session, out LinkedListNode<CutOffSocket>? node))
        {
            _inOrder.Remove(node);
        }
    }
}

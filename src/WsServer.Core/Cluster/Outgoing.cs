namespace WsServer.Cluster;

/// <summary>A record on its way to other nodes.</summary>
/// <param name="Channels">Where it goes.</param>
/// <param name="Number">Its number.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Content">The content, which ends with it.</param>
internal sealed record Outgoing(IReadOnlyList<string> Channels, long Number, MessageKind Kind, WireBuffer Content)
{
    public int Cost => Content.Length + Envelopes.MaxRecordOverhead;
}

/// <summary>What waits for the backplane, in the order of its numbers; bounded by bytes, those under way included.</summary>
/// <remarks>Safe for concurrent use. Adding never waits.</remarks>
internal sealed class OutgoingQueue(long maxBytes, Action added)
{
    private readonly Lock _gate = new();
    private readonly Queue<Outgoing> _waiting = new();
    private long _number;
    private long _bytes;
    private volatile bool _isClosed;

    /// <summary>How many bytes wait or are under way.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>The number of the last record.</summary>
    public long LastNumber
    {
        get
        {
            lock (_gate)
            {
                return _number;
            }
        }
    }

    public bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count == 0;
            }
        }
    }

    /// <summary>Adds a record, whose content the queue then owns; false when there is no room for it.</summary>
    /// <param name="channels">Where it goes.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="content">Its content.</param>
    /// <param name="number">The number that it has, whether there is room for it or not.</param>
    public bool TryAdd(IReadOnlyList<string> channels, MessageKind kind, WireBuffer content, out long number)
    {
        lock (_gate)
        {
            var outgoing = new Outgoing(channels, number = ++_number, kind, content);
            if (_isClosed || _bytes + outgoing.Cost > maxBytes)
            {
                content.Dispose();
                return false;
            }

            Interlocked.Add(ref _bytes, outgoing.Cost);
            _waiting.Enqueue(outgoing);
        }

        added();
        return true;
    }

    /// <summary>Takes the next, and those behind it that go the same way, up to so many bytes; nothing when there is none.</summary>
    public void Take(List<Outgoing> batch, int upTo)
    {
        lock (_gate)
        {
            int bytes = 0;
            while (_waiting.TryPeek(out Outgoing? next) && (batch.Count == 0 || (bytes + next.Cost <= upTo && GoTogether(batch[0].Channels, next.Channels))))
            {
                batch.Add(_waiting.Dequeue());
                bytes += next.Cost;
            }
        }
    }

    /// <summary>A record has arrived, or is given up.</summary>
    public void Done(Outgoing outgoing)
    {
        Interlocked.Add(ref _bytes, -outgoing.Cost);
        outgoing.Content.Dispose();
    }

    /// <summary>Takes nothing more; what waits still goes.</summary>
    public void Close() => _isClosed = true;

    private static bool GoTogether(IReadOnlyList<string> some, IReadOnlyList<string> others)
    {
        if (ReferenceEquals(some, others))
        {
            return true;
        }

        if (some.Count != others.Count)
        {
            return false;
        }

        for (int i = 0; i < some.Count; i++)
        {
            if (some[i] != others[i])
            {
                return false;
            }
        }

        return true;
    }
}

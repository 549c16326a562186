namespace WsServer.Connections;

/// <summary>
/// Holds back what is posted on this thread until a batch of received messages is handled, so that what one read
/// brought in leaves in one write for each receiver. Order is the outbox's, not that of the flush: whoever posts to a
/// held outbox from another thread sends at once, what was held before it included.
/// </summary>
internal sealed class Gathering
{
    // A larger fan-out is sent by several threads at once, each with so many outboxes at a time.
    private const int ShardSize = 1024;

    [ThreadStatic]
    private static Gathering? _ofThread;

    private readonly List<Outbox> _held = [];
    private int _depth;

    /// <summary>The gathering that is open on this thread, if any.</summary>
    public static Gathering? Current => _ofThread is { _depth: > 0 } open ? open : null;

    /// <summary>Opens one; within another it only counts.</summary>
    public static Gathering Open()
    {
        Gathering gathering = _ofThread ??= new Gathering();
        gathering._depth++;
        return gathering;
    }

    /// <summary>Ends it: with the outermost, what was held leaves.</summary>
    public void Close()
    {
        if (--_depth > 0 || _held.Count == 0)
        {
            return;
        }

        Flush();
    }

    /// <summary>Sends what is held up to now, and goes on.</summary>
    public void Flush()
    {
        // What is sent may bring this thread to something that opens a gathering again: that one has a list of its own.
        _ofThread = null;
        int depth = _depth;
        _depth = 0;
        try
        {
            Shard(0);
        }
        finally
        {
            FrameBatch.Forget();
            _held.Clear();
            if (_held.Capacity > ShardSize * 16)
            {
                _held.Capacity = ShardSize;
            }

            _depth = depth;
            _ofThread = this;
        }
    }

    public void Hold(Outbox outbox) => _held.Add(outbox);

    private void Shard(int from)
    {
        for (int i = from; i < _held.Count; i++)
        {
            _held[i].Flush();
        }
    }
}

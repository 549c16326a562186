using System.Collections.Concurrent;

namespace WsServer.Connections;

/// <summary>
/// Holds back what is posted on this thread until a batch of received messages is handled, so that what one read
/// brought in leaves in one write for each receiver. Order is the outbox's, not that of the flush: whoever posts to a
/// held outbox from another thread sends at once, what was held before it included.
/// </summary>
internal sealed class Gathering
{
    // A list that has been longer is given back after the flush.
    private const int KeptOutboxes = 16 * 1024;

    [ThreadStatic]
    private static Gathering? _ofThread;

    private List<Outbox> _held = [];
    private List<Outbox>? _spare = [];
    private int _depth;

    /// <summary>Whether everything waits for the end, however much it is: while a lock is held under which nothing is sent.</summary>
    public bool HoldsAll { get; set; }

    /// <summary>How long this thread has been handing out and sending, in all: time that no handler is to blame for.</summary>
    public TimeSpan Spent { get; private set; }

    /// <summary>The gathering that is open on this thread, if any.</summary>
    public static Gathering? Current => _ofThread is { _depth: > 0 } open ? open : null;

    /// <summary>Opens one; within another it only counts.</summary>
    public static Gathering Open()
    {
        Gathering gathering = _ofThread ??= new Gathering();
        gathering._depth++;
        return gathering;
    }

    /// <summary>Sends what is held, and holds nothing more on this thread until <see cref="StepIn"/> with what this returns.</summary>
    public int StepOut()
    {
        int depth = _depth;
        _depth = 1;
        Close();
        return depth;
    }

    /// <summary>Goes on where <see cref="StepOut"/> left off, on the same thread.</summary>
    public void StepIn(int depth) => _depth = depth;

    /// <summary>Adds to <see cref="Spent"/>.</summary>
    public void Spend(TimeSpan time) => Spent += time;

    public void Hold(Outbox outbox) => _held.Add(outbox);

    /// <summary>Ends it: with the outermost, what was held leaves.</summary>
    public void Close()
    {
        if (--_depth > 0 || _held.Count == 0)
        {
            return;
        }

        // A list apart, as what is sent may bring this thread to something that opens a gathering again.
        List<Outbox> held = _held;
        _held = _spare ?? [];
        _spare = null;
        int shardSize = held[0].Settings.ShardSize;
        int from = 0;
        while (held.Count - from > shardSize)
        {
            // Other threads take a part each: what one sender has posted stays in order, as order is the outbox's.
            Shard.Start(held, from, shardSize);
            from += shardSize;
        }

        Flush(held, from);
        held.Clear();
        if (held.Capacity <= KeptOutboxes)
        {
            _spare = held;
        }
    }

    // While one is sent, what the next ones will touch is brought near, link by link: each link's address stands in the
    // one before, so the further ahead, the fewer.
    private static void Flush(List<Outbox> outboxes, int from)
    {
        for (int i = from; i < outboxes.Count; i++)
        {
            for (int ahead = Math.Min(Outbox.PrefetchedLinks, outboxes.Count - 1 - i); ahead > 0; ahead--)
            {
                outboxes[i + ahead].Prefetch(Outbox.PrefetchedLinks - ahead);
            }

            outboxes[i].Flush();
        }

        FrameBatch.Forget();
    }

    /// <summary>A part of a large fan-out, sent by a thread of the pool.</summary>
    private sealed class Shard : IThreadPoolWorkItem
    {
        private const int MostFree = 64;

        // Shared, as the thread that sends a part is another than the one that hands it out.
        private static readonly ConcurrentQueue<Shard> Free = new();

        private readonly List<Outbox> _outboxes = [];

        public static void Start(List<Outbox> held, int from, int count)
        {
            if (!Free.TryDequeue(out Shard? shard))
            {
                shard = new Shard();
            }

            shard._outboxes.EnsureCapacity(count);
            for (int i = from; i < from + count; i++)
            {
                shard._outboxes.Add(held[i]);
            }

            ThreadPool.UnsafeQueueUserWorkItem(shard, preferLocal: false);
        }

        public void Execute()
        {
            Flush(_outboxes, 0);
            _outboxes.Clear();
            if (Free.Count < MostFree)
            {
                Free.Enqueue(this);
            }
        }
    }
}

namespace WsServer.Limits;

/// <summary>The buckets of everybody with the same address or user. Safe for concurrent use.</summary>
internal sealed class SharedMeter(RateLimit limit)
{
    private long _messagesFullAt;
    private long _bytesFullAt;

    /// <summary>The rate.</summary>
    public RateLimit Limit => limit;

    /// <summary>How many connections use it; guarded by the table.</summary>
    public int Users { get; set; }

    /// <summary>Whether the table has let it go, after which nobody new may use it; guarded by itself.</summary>
    public bool IsForgotten { get; set; }

    /// <summary>Takes one message out, or nothing when it is not in.</summary>
    public bool TryTake(long now, int bytes)
    {
        if (!TryTake(ref _messagesFullAt, now, limit.TicksPerMessage, limit.MessageTicks))
        {
            return false;
        }

        if (TryTake(ref _bytesFullAt, now, limit.PriceOf(bytes), limit.ByteTicks))
        {
            return true;
        }

        Interlocked.Add(ref _messagesFullAt, -limit.TicksPerMessage);
        return false;
    }

    /// <summary>Puts back what was taken for a message that is dropped after all.</summary>
    public void GiveBack(int bytes)
    {
        Interlocked.Add(ref _messagesFullAt, -limit.TicksPerMessage);
        Interlocked.Add(ref _bytesFullAt, -limit.PriceOf(bytes));
    }

    /// <summary>How long until both are full.</summary>
    public long TicksToFull(long now) => Math.Max(0, Math.Max(Volatile.Read(ref _messagesFullAt), Volatile.Read(ref _bytesFullAt)) - now);

    private static bool TryTake(ref long fullAt, long now, long ticks, long burst)
    {
        while (true)
        {
            long before = Volatile.Read(ref fullAt);
            long after = Math.Max(before, now) + ticks;
            if (after - now > burst)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref fullAt, after, before) == before)
            {
                return true;
            }
        }
    }
}

namespace WsServer.Limits;

/// <summary>The two buckets of one connection, of messages and of bytes. One thread takes from them at a time.</summary>
internal struct RateMeter
{
    private long _messagesFullAt;
    private long _bytesFullAt;

    /// <summary>Whether one message is in.</summary>
    public readonly bool Has(RateLimit limit, long now, int bytes) =>
        Math.Max(_messagesFullAt, now) + limit.TicksPerMessage - now <= limit.MessageTicks && Math.Max(_bytesFullAt, now) + limit.PriceOf(bytes) - now <= limit.ByteTicks;

    /// <summary>Takes one message out.</summary>
    public void Take(RateLimit limit, long now, int bytes)
    {
        _messagesFullAt = Math.Max(_messagesFullAt, now) + limit.TicksPerMessage;
        _bytesFullAt = Math.Max(_bytesFullAt, now) + limit.PriceOf(bytes);
    }

    /// <summary>How long until both are full.</summary>
    public readonly long TicksToFull(long now) => Math.Max(0, Math.Max(_messagesFullAt, _bytesFullAt) - now);
}

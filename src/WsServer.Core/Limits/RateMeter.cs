namespace WsServer.Limits;

/// <summary>The two buckets of one connection, of messages and of bytes. One thread takes from them at a time.</summary>
internal struct RateMeter
{
    private long _messagesFullAt;
    private long _bytesFullAt;

    /// <summary>Takes one message out, or nothing when it is not in.</summary>
    public bool TryTake(RateLimit limit, long now, int bytes)
    {
        long messages = Math.Max(_messagesFullAt, now) + limit.TicksPerMessage;
        long total = Math.Max(_bytesFullAt, now) + limit.TicksFor(bytes);
        if (messages - now > limit.MessageTicks || total - now > limit.ByteTicks)
        {
            return false;
        }

        _messagesFullAt = messages;
        _bytesFullAt = total;
        return true;
    }

    /// <summary>How long until both are full.</summary>
    public readonly long TicksToFull(long now) => Math.Max(0, Math.Max(_messagesFullAt, _bytesFullAt) - now);
}

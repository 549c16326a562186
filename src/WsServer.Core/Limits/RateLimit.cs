namespace WsServer.Limits;

/// <summary>A <see cref="ReceiveRate"/> in the ticks of a clock.</summary>
/// <remarks>
/// A bucket is kept as the time at which it will be full again: what is taken moves that time on, and more than a burst
/// ahead of now it may not be. So a bucket is one number, and nothing has to fill it.
/// </remarks>
internal sealed class RateLimit
{
    private RateLimit(RateScope scope, ReceiveRate rate, TimeProvider time)
    {
        Scope = scope;
        MessageBurst = rate.MessageBurst;
        ByteBurst = rate.ByteBurst;

        // Without a limit nothing is taken, and so nothing is ever missing.
        TicksPerMessage = rate.MessagesPerSecond > 0 ? time.TimestampFrequency / rate.MessagesPerSecond : 0;
        MessageTicks = rate.MessageBurst * TicksPerMessage;
        TicksPerByte = rate.BytesPerSecond > 0 ? (double)time.TimestampFrequency / rate.BytesPerSecond : 0;
        ByteTicks = TicksFor(rate.ByteBurst);
    }

    /// <summary>Whose rate it is.</summary>
    public RateScope Scope { get; }

    /// <summary>How many messages at once.</summary>
    public int MessageBurst { get; }

    /// <summary>How many bytes at once.</summary>
    public long ByteBurst { get; }

    /// <summary>How long the bucket takes to fill up by a message.</summary>
    public long TicksPerMessage { get; }

    /// <summary>How long it takes to fill up from nothing with messages.</summary>
    public long MessageTicks { get; }

    /// <summary>How long the bucket takes to fill up by a byte.</summary>
    public double TicksPerByte { get; }

    /// <summary>How long it takes to fill up from nothing with bytes.</summary>
    public long ByteTicks { get; }

    /// <summary>That of a rate; null when it limits nothing.</summary>
    public static RateLimit? From(RateScope scope, ReceiveRate rate, TimeProvider time) =>
        rate.MessagesPerSecond > 0 || rate.BytesPerSecond > 0 ? new RateLimit(scope, rate, time) : null;

    /// <summary>How long the bucket takes to fill up by so many bytes.</summary>
    public long TicksFor(long bytes) => (long)(bytes * TicksPerByte);
}

/// <summary>Whose rate it is.</summary>
internal enum RateScope
{
    Connection,
    User,
    Address,
}

namespace WsServer.Limits;

/// <summary>A <see cref="ReceiveRate"/> in the ticks of a clock.</summary>
/// <remarks>
/// A bucket is kept as the time at which it will be full again: what is taken moves that time on, and more than a burst
/// ahead of now it may not be. So a bucket is one number, and nothing has to fill it.
/// </remarks>
internal sealed class RateLimit
{
    private RateLimit(string scope, ReceiveRate rate, TimeProvider time)
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

    /// <summary>Whose rate it is, one of <see cref="RateScopes"/>.</summary>
    public string Scope { get; }

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
    public static RateLimit? From(string scope, ReceiveRate rate, TimeProvider time) =>
        rate.MessagesPerSecond > 0 || rate.BytesPerSecond > 0 ? new RateLimit(scope, rate, time) : null;

    /// <summary>
    /// What a message of so many bytes takes: at most all there is, as one that other limits allow must be able to come
    /// through.
    /// </summary>
    public long PriceOf(int bytes) => TicksFor(Math.Min(bytes, ByteBurst));

    /// <summary>How long the bucket takes to fill up by so many bytes.</summary>
    public long TicksFor(long bytes) => (long)(bytes * TicksPerByte);
}

/// <summary>Whose rates there are, in the words of metrics, log and clients.</summary>
internal static class RateScopes
{
    public const string Connection = "connection";
    public const string User = "user";
    public const string Address = "address";
}

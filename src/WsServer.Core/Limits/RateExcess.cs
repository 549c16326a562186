namespace WsServer.Limits;

/// <summary>What becomes of a message that is over a rate.</summary>
internal enum RateVerdict
{
    /// <summary>It is dropped: the client was told a moment ago, and may not have read that yet.</summary>
    Dropped,

    /// <summary>It is dropped, and the client is told.</summary>
    Told,

    /// <summary>It is dropped, and with it the client, who was told before and has gone on.</summary>
    Ended,
}

/// <summary>
/// What a connection has sent over its rates. A client is told at most once in ten seconds. It is put out when more than a
/// tenth of a burst, of that rate or of its own, is dropped within these, or when it would have to be told a fourth time within a minute for its own
/// rate: over that of its user or its address it may be by the fault of others.
/// </summary>
internal sealed class RateExcess
{
    private const int MaxTold = 3;

    private static readonly TimeSpan Episode = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    private long _firstToldAt;
    private long _toldAt;
    private int _told;
    private int _messages;
    private long _bytes;

    /// <summary>Adds a message.</summary>
    /// <param name="over">The rate that it is over.</param>
    /// <param name="own">The connection's own rate; null when it has none.</param>
    /// <param name="time">The time.</param>
    /// <param name="now">When it came.</param>
    /// <param name="bytes">How long it is.</param>
    public RateVerdict Add(RateLimit over, RateLimit? own, TimeProvider time, long now, int bytes)
    {
        if (_told > 0 && time.GetElapsedTime(_toldAt, now) < Episode)
        {
            _messages++;
            _bytes += bytes;
            return IsTooMuch(over) || (own is not null && IsTooMuch(own)) ? RateVerdict.Ended : RateVerdict.Dropped;
        }

        if (_told == 0 || time.GetElapsedTime(_firstToldAt, now) >= Memory)
        {
            _told = 0;
            _firstToldAt = now;
        }

        if (_told == MaxTold && over.Scope == RateScopes.Connection)
        {
            return RateVerdict.Ended;
        }

        _told = Math.Min(_told + 1, MaxTold);
        _toldAt = now;
        _messages = 0;
        _bytes = 0;
        return RateVerdict.Told;
    }

    private bool IsTooMuch(RateLimit limit) =>
        (limit.TicksPerMessage > 0 && _messages > limit.MessageBurst / 10) || (limit.TicksPerByte > 0 && _bytes > limit.ByteBurst / 10);
}

namespace WsServer.Dispatch;

/// <summary>
/// Whether a handler is quick enough to run on the thread that reads from the client. One that blocks, or computes for
/// long, would keep that thread from its other work, a pong among it. So a handler runs on a thread of the pool until it
/// has shown that it is quick, and again when it no longer is.
/// </summary>
/// <remarks>Safe for concurrent use; a lost count does no harm.</remarks>
internal sealed class Pace
{
    // How much one slow run weighs against a quick one, and from what weight on a handler counts as slow. A new one is
    // proven by eight quick runs; one that is slow now and then, as when the machine is busy, stays quick.
    private const int SlowWeight = 4;
    private const int LongWeight = 16;
    private const int Limit = 16;
    private const int AtFirst = Limit + 7;
    private const int Most = 64;

    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan Long = TimeSpan.FromMilliseconds(50);

    // One that has kept its thread for so long is not trusted again: it may have waited for what that thread was to read.
    private static readonly TimeSpan TooLong = TimeSpan.FromSeconds(1);

    private int _weight = AtFirst;
    private bool _hasRun;

    public bool IsSlow => Volatile.Read(ref _weight) >= Limit;

    /// <summary>Whether it keeps its thread for long again and again, so that nothing should wait for its end.</summary>
    public bool IsBlocking => Volatile.Read(ref _weight) >= Most;

    /// <summary>Notes how long one run kept its thread.</summary>
    public void Note(TimeSpan elapsed)
    {
        if (!_hasRun)
        {
            // The first run compiles code.
            _hasRun = true;
            elapsed = elapsed > TooLong ? elapsed : TimeSpan.Zero;
        }

        int weight = Volatile.Read(ref _weight);
        if (elapsed > TooLong)
        {
            Volatile.Write(ref _weight, int.MaxValue);
        }
        else if (elapsed > Long && weight < Most)
        {
            Interlocked.CompareExchange(ref _weight, Math.Min(weight + LongWeight, Most), weight);
        }
        else if (elapsed > Quick && weight < Most)
        {
            // Slow is not blocking, however often.
            Interlocked.CompareExchange(ref _weight, Math.Min(weight + SlowWeight, Most - 1), weight);
        }
        else if (elapsed <= Quick && weight is > 0 and <= Most)
        {
            Interlocked.CompareExchange(ref _weight, weight - 1, weight);
        }
    }
}

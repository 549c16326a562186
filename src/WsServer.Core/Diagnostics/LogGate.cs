namespace WsServer.Diagnostics;

/// <summary>Lets one line a second pass: who floods a server must not flood its log. Safe for concurrent use.</summary>
/// <param name="time">The clock.</param>
public sealed class LogGate(TimeProvider time)
{
    private long _passed;
    private int _skipped;

    /// <summary>Whether a line may be written now.</summary>
    /// <param name="skipped">If so, how many were not since the last one.</param>
    public bool TryPass(out int skipped)
    {
        long now = time.GetTimestamp();
        long passed = Volatile.Read(ref _passed);
        bool isTooSoon = passed != 0 && time.GetElapsedTime(passed, now) < TimeSpan.FromSeconds(1);
        if (isTooSoon || Interlocked.CompareExchange(ref _passed, now, passed) != passed)
        {
            Interlocked.Increment(ref _skipped);
            skipped = 0;
            return false;
        }

        skipped = Interlocked.Exchange(ref _skipped, 0);
        return true;
    }
}

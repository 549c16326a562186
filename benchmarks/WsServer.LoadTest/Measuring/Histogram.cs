using System.Diagnostics;
using System.Numerics;

namespace WsServer.LoadTest.Measuring;

/// <summary>Counts latencies in steps of about 1.5 %, without allocating.</summary>
internal sealed class Histogram
{
    private const int Bits = 6;
    private const int Steps = 1 << Bits;

    private readonly long[] _counts = new long[(64 - Bits) * Steps];

    public long Count { get; private set; }

    /// <summary>Adds a time in ticks of <see cref="Stopwatch"/>.</summary>
    public void Add(long ticks)
    {
        ulong value = (ulong)Math.Max(ticks, 0);
        int shift = Math.Max(0, 63 - BitOperations.LeadingZeroCount(value | 1) - Bits);
        _counts[(shift * Steps) + (int)(value >> shift)]++;
        Count++;
    }

    public void Clear()
    {
        Array.Clear(_counts);
        Count = 0;
    }

    /// <summary>The time in µs that a share of all did not exceed; nothing if there are none.</summary>
    /// <param name="share">From 0 to 1.</param>
    public double? Percentile(double share)
    {
        long rank = (long)Math.Ceiling(share * Count);
        long seen = 0;
        for (int i = 0; i < _counts.Length && Count > 0; i++)
        {
            seen += _counts[i];
            if (seen >= rank)
            {
                // From the second power of two on, the shifted value lies between Steps and twice that, so no two share a place.
                int shift = i < 2 * Steps ? 0 : (i / Steps) - 1;
                long ticks = (long)(i - (shift * Steps)) << shift;
                return ticks * 1e6 / Stopwatch.Frequency;
            }
        }

        return null;
    }
}

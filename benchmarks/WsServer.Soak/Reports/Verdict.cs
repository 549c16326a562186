using System.Globalization;

namespace WsServer.Soak.Reports;

/// <summary>Whether the run was as it must be.</summary>
internal static class Verdict
{
    /// <summary>
    /// The memory may rise over the second half, along the line that fits best, by so much of itself and no more. Less than
    /// this is what the collector's budgets and the pools breathe; a leak of one byte in a thousand messages is more in half an hour.
    /// </summary>
    private const double MaxRise = 0.05;

    /// <summary>And by this: one generation's budget more or less, which counts while there is little.</summary>
    private const double MaxRiseBytes = 8e6;

    /// <summary>
    /// A run with fewer samples, one a second, may rise by twice that: in its first minutes a process has not found its level.
    /// Two minutes of one and the same build have read 2, 9 and 10 MB.
    /// </summary>
    private const int ShortRun = 600;

    /// <summary>
    /// The CPU time for each message in the last quarter, by that in the second: medians. A server that has the machine for itself
    /// wakes up for each message, and one that has not finds several at once and pays less: other programs shift it by a third.
    /// </summary>
    private const double MaxCpuRatio = 1.5;

    /// <summary>With fewer samples a line through them says nothing.</summary>
    private const int LeastSamples = 40;

    public static IReadOnlyList<string> Of(Report report)
    {
        var wrong = new List<string>();
        wrong.AddRange(report.Tally.Failures);
        if (report.Left is not { Connections: 0, Sockets: 0, Rooms: 0, PendingAcks: 0, CutOff: 0 })
        {
            wrong.Add($"Something is left when nobody is there: {report.Left}");
        }

        if (report.Left.Errors > 0)
        {
            wrong.Add($"The server has logged {report.Left.Errors} errors, the last: {report.Left.LastError}");
        }

        IReadOnlyList<Sample> samples = report.Samples;
        if (samples.Count < LeastSamples)
        {
            wrong.Add($"There are {samples.Count} samples; it takes {LeastSamples} to tell anything.");
            return wrong;
        }

        if (report.CpuRatio > MaxCpuRatio)
        {
            wrong.Add(string.Create(CultureInfo.InvariantCulture, $"A message has cost {report.CpuRatio:0.00} times as much in the last quarter as in the second."));
        }

        CheckRise("in RAM", report.ResidentRise, samples.Average(s => s.ResidentBytes));
        CheckRise("of managed objects", report.HeapRise, samples.Average(s => s.HeapBytes));
        return wrong;

        void CheckRise(string what, double rise, double average)
        {
            double limit = (average * MaxRise) + (MaxRiseBytes * (samples.Count < ShortRun ? 2 : 1));
            if (rise > limit)
            {
                wrong.Add(string.Create(CultureInfo.InvariantCulture, $"The memory {what} has risen by {rise / 1e6:0.0} MB over the second half; {limit / 1e6:0.0} MB is the limit."));
            }
        }
    }

    /// <summary>By how much the line through the second half of the samples rises over that half.</summary>
    public static double RiseOf(IReadOnlyList<Sample> samples, Func<Sample, double> value)
    {
        Sample[] half = [.. samples.Skip(samples.Count / 2)];
        if (half.Length < 2)
        {
            return 0;
        }

        double x = half.Average(s => s.Second), y = half.Average(value);
        double slope = half.Sum(s => (s.Second - x) * (value(s) - y)) / half.Sum(s => (s.Second - x) * (s.Second - x));
        return slope * (half[^1].Second - half[0].Second);
    }

    /// <summary>The median of one of the four quarters.</summary>
    public static double MedianOf(IReadOnlyList<Sample> samples, int quarter, Func<Sample, double> value)
    {
        double[] sorted = [.. samples.Skip(samples.Count * quarter / 4).Take(Math.Max(1, samples.Count / 4)).Select(value).Order()];
        return sorted.Length == 0 ? 0 : sorted[sorted.Length / 2];
    }
}

using System.Globalization;

namespace WsServer.LoadTest.Measuring;

/// <summary>The CPU time of all programs on the machine.</summary>
internal static class MachineClock
{
    // USER_HZ, which is the same on every architecture of today.
    private const double TicksPerSecond = 100;

    /// <summary>How long the processors have been busy since the machine started, in seconds; or kept from it by other machines.</summary>
    public static double ReadBusySeconds()
    {
        // cpu user nice system idle iowait irq softirq steal …
        using StreamReader file = File.OpenText("/proc/stat");
        long[] ticks = [.. file.ReadLine()!.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..9].Select(t => long.Parse(t, CultureInfo.InvariantCulture))];
        return (ticks.Sum() - ticks[3] - ticks[4]) / TicksPerSecond;
    }
}

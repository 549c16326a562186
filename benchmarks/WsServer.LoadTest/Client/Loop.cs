using System.Diagnostics;
using System.Globalization;

namespace WsServer.LoadTest.Client;

/// <summary>Runs the client until something is so.</summary>
internal static class Loop
{
    /// <summary>How long nothing may happen at all before a server counts as stuck. SignalR gives a slow client 10 s.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Runs for a time.</summary>
    public static void For(LoadClient client, TimeSpan time)
    {
        long end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        for (long left = end - Stopwatch.GetTimestamp(); left > 0; left = end - Stopwatch.GetTimestamp())
        {
            client.Turn((int)Math.Ceiling(left * 1000.0 / Stopwatch.Frequency));
        }
    }

    /// <summary>Runs until <paramref name="isDone"/>, as long as <paramref name="progress"/> grows.</summary>
    /// <param name="client">The client.</param>
    /// <param name="isDone">Asked after each turn.</param>
    /// <param name="progress">How much has happened.</param>
    /// <param name="what">What <paramref name="progress"/> counts, for the message when it stops.</param>
    public static void Until(LoadClient client, Func<bool> isDone, Func<long> progress, string what)
    {
        long last = progress();
        long since = Stopwatch.GetTimestamp();
        while (!isDone())
        {
            client.Turn(int.MaxValue);
            long now = progress();
            if (now != last)
            {
                last = now;
                since = Stopwatch.GetTimestamp();
            }
            else if (Stopwatch.GetElapsedTime(since) > Patience)
            {
                throw new LoadException(string.Create(
                    CultureInfo.InvariantCulture, $"Nothing has happened for {Patience.TotalSeconds} s: {now} {what}, then no more."));
            }
        }
    }
}

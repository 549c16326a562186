using WsServer.LoadTest.Client;
using WsServer.LoadTest.Measuring;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Messages that are sent, checked and counted.</summary>
internal abstract class Load : Receiver
{
    /// <summary>How many messages have come since the window began.</summary>
    public long Delivered { get; private set; }

    public Histogram Latencies { get; } = new();

    /// <summary>Figures that only this load has.</summary>
    public virtual IReadOnlyDictionary<string, double> Details => new Dictionary<string, double>();

    /// <summary>Whether all that was sent has come.</summary>
    public abstract bool IsDrained { get; }

    /// <summary>Sends for a time. The last messages may still be under way at the return.</summary>
    public abstract void Run(TimeSpan time);

    /// <summary>Begins to count anew.</summary>
    public virtual void Restart()
    {
        Delivered = 0;
        Latencies.Clear();
    }

    protected void Count(long latency)
    {
        Delivered++;
        Latencies.Add(latency);
    }
}

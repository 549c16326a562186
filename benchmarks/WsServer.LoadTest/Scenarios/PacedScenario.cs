using WsServer.LoadTest.Client;
using WsServer.LoadTest.Measuring;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Messages in which each sender waits for what it has sent before it sends the next.</summary>
internal abstract class PacedLoad : Receiver
{
    /// <summary>How many messages have come since the window began.</summary>
    public long Delivered { get; private set; }

    public Histogram Latencies { get; } = new();

    /// <summary>Whether no new ones are sent.</summary>
    public bool IsStopping { get; set; }

    /// <summary>Whether all that was sent has come.</summary>
    public abstract bool IsDrained { get; }

    /// <summary>Sends the first ones.</summary>
    public abstract void Begin();

    /// <summary>Begins to count anew.</summary>
    public void Restart()
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

/// <summary>A scenario that warms up, then measures paced messages for the length of a window.</summary>
internal abstract class PacedScenario(string name, string group, int connections) : Scenario(name, group, connections)
{
    /// <summary>Scenarios of a kind take the same roads through a server.</summary>
    protected abstract string Kind { get; }

    public override Measurement Measure(Session session, Timing timing)
    {
        LoadClient client = session.Client;
        client.OpenUpTo(Connections);
        PacedLoad load = Prepare(session);
        client.Receiver = load;
        Drive(client, load, session.GetWarmUp(Kind, timing));
        load.Restart();
        var meter = new Meter(session);
        Drive(client, load, timing.Window);
        Measurement measurement = meter.Stop(load.Delivered, load.Latencies);
        Silence.Listen(client);
        return measurement;
    }

    /// <summary>Makes the load; the connections are open.</summary>
    protected abstract PacedLoad Prepare(Session session);

    private static void Drive(LoadClient client, PacedLoad load, TimeSpan time)
    {
        load.IsStopping = false;
        load.Begin();
        Loop.For(client, time);
        load.IsStopping = true;
        Loop.Until(client, () => load.IsDrained, () => load.Delivered, "messages have come");
    }
}

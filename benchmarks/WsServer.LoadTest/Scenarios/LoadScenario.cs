using WsServer.LoadTest.Client;
using WsServer.LoadTest.Measuring;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>A scenario that warms up, then measures the messages of a window.</summary>
internal abstract class LoadScenario(string name, string group, int connections) : Scenario(name, group, connections)
{
    /// <summary>Scenarios of a kind take the same roads through a server.</summary>
    protected abstract string Kind { get; }

    public override Measurement Measure(Session session, Timing timing)
    {
        LoadClient client = session.Client;
        Place(client);
        client.OpenUpTo(Connections);
        Load load = Prepare(session);
        client.Receiver = load;
        Drive(client, load, session.GetWarmUp(Kind, timing));
        load.Restart();
        var meter = new Meter(session);
        Drive(client, load, GetWindow(timing));
        Measurement measurement = meter.Stop(load.Delivered, load.Latencies, load.Details);
        Silence.Listen(client);
        return measurement;
    }

    /// <summary>Says which connection goes to which node; all to the first unless it is overridden.</summary>
    protected virtual void Place(LoadClient client)
    {
    }

    /// <summary>Makes the load; the connections are open.</summary>
    protected abstract Load Prepare(Session session);

    /// <summary>How long it is measured.</summary>
    protected virtual TimeSpan GetWindow(Timing timing) => timing.Window;

    private static void Drive(LoadClient client, Load load, TimeSpan time)
    {
        load.Run(time);
        Loop.Until(client, () => load.IsDrained, () => load.Delivered, "messages have come");
    }
}

using WsServer.LoadTest.Measuring;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Something that a server is measured at.</summary>
/// <param name="name">For the command line and the reports.</param>
/// <param name="group">Scenarios of a group share a server process, one after the other.</param>
/// <param name="connections">How many connections there are.</param>
internal abstract class Scenario(string name, string group, int connections)
{
    public string Name => name;

    public string Group => group;

    public int Connections => connections;

    /// <summary>What <see cref="Measurement.Value"/> is.</summary>
    public virtual string Unit => "µs of CPU time for each message";

    /// <summary>Whether it runs only when it is named: its figures compare a server with itself.</summary>
    public virtual bool IsOnRequest => false;

    /// <summary>One sentence for <c>--list</c>.</summary>
    public abstract string Description { get; }

    /// <summary>Does the work and checks it.</summary>
    /// <exception cref="Client.LoadException">The server did not do what it should.</exception>
    public abstract Measurement Measure(Session session, Timing timing);
}

using WsServer.LoadTest.Measuring;

namespace WsServer.LoadTest.Scenarios;

/// <summary>A scenario whose load is the same for every server: so many messages a second.</summary>
/// <param name="name">For the command line and the reports.</param>
/// <param name="group">Scenarios of a group share a server process.</param>
/// <param name="connections">How many connections there are.</param>
/// <param name="rate">How many messages are sent in a second.</param>
internal abstract class RatedScenario(string name, string group, int connections, int rate) : LoadScenario(name, group, connections)
{
    /// <summary>How many messages are sent in a second.</summary>
    protected int Rate => rate;

    // Of fewer messages than come in a second, one in a hundred says little.
    protected override TimeSpan GetWindow(Timing timing) => timing.RatedWindow;
}

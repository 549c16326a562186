using WsServer.LoadTest.Measuring;

namespace WsServer.LoadTest.Scenarios;

/// <summary>A scenario whose load is the same for every server: so many messages a second.</summary>
/// <param name="name">For the command line and the reports.</param>
/// <param name="connections">How many connections there are.</param>
/// <param name="rate">How many messages are sent in a second.</param>
internal abstract class RatedScenario(string name, int connections, int rate) : LoadScenario(name, "rate", connections)
{
    /// <summary>How many messages are sent in a second.</summary>
    protected int Rate => rate;

    // Of fewer messages than come in a second, one in a hundred says little.
    protected override TimeSpan GetWindow(Timing timing) => timing.RatedWindow;
}

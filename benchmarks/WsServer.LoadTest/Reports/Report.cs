using WsServer.LoadTest.Measuring;
using WsServer.LoadTest.Scenarios;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Reports;

/// <summary>Everything that a run has given.</summary>
internal sealed record Report(
    DateTimeOffset Started,
    Options Options,
    IReadOnlyList<ServerKind> Servers,
    IReadOnlyList<Cell> Cells,
    IReadOnlyList<Summary> Summaries)
{
    /// <summary>The scenarios that have run, each with its servers in the order in which they are listed.</summary>
    public IEnumerable<(Scenario Scenario, IReadOnlyList<(ServerKind Server, Summary Summary)> Rows)> Tables =>
        from scenario in Options.Scenarios
        let rows = Servers.Join(
            Summaries.Where(s => s.Scenario == scenario.Name), server => server.Name, s => s.Server, (server, summary) => (server, summary)).ToArray()
        where rows.Length > 0
        select (scenario, (IReadOnlyList<(ServerKind, Summary)>)rows);
}

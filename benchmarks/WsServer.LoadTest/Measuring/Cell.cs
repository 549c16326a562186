namespace WsServer.LoadTest.Measuring;

/// <summary>One scenario with one server in one round: a measurement or why there is none.</summary>
internal sealed record Cell(int Round, string Scenario, string Server, Measurement? Measurement, string? Failure);

/// <summary>The rounds of one scenario with one server together.</summary>
/// <param name="Scenario">The scenario's name.</param>
/// <param name="Server">The server's name.</param>
/// <param name="Rounds">How many measurements there are.</param>
/// <param name="Failures">Why there are no others.</param>
/// <param name="Median">The median of the values, as all figures below are medians.</param>
/// <param name="Min">The least value.</param>
/// <param name="Max">The greatest value.</param>
/// <param name="Ratio">The median by that of the reference server.</param>
/// <param name="P50">The latency in µs.</param>
/// <param name="P99">The latency in µs.</param>
/// <param name="AllocatedBytes">Bytes that a message allocates.</param>
/// <param name="Details">Figures that only this scenario has.</param>
internal sealed record Summary(
    string Scenario,
    string Server,
    int Rounds,
    IReadOnlyList<string> Failures,
    double? Median,
    double? Min,
    double? Max,
    double? Ratio,
    double? P50,
    double? P99,
    double? AllocatedBytes,
    IReadOnlyDictionary<string, double> Details)
{
    /// <summary>Sums up all cells, in the order of the scenarios and servers.</summary>
    public static IReadOnlyList<Summary> Create(IReadOnlyList<Cell> cells, string reference)
    {
        var summaries = new List<Summary>();
        foreach (IGrouping<string, Cell> scenario in cells.GroupBy(c => c.Scenario))
        {
            double? unit = MedianOf(scenario.Where(c => c.Server == reference), m => m.Value);
            summaries.AddRange(scenario.GroupBy(c => c.Server).Select(s => Create(scenario.Key, s.Key, [.. s], unit)));
        }

        return summaries;
    }

    private static Summary Create(string scenario, string server, IReadOnlyList<Cell> cells, double? reference)
    {
        double[] values = [.. cells.Select(c => c.Measurement?.Value).OfType<double>()];
        double? median = MedianOf(cells, m => m.Value);
        return new Summary(
            scenario,
            server,
            values.Length,
            [.. cells.Select(c => c.Failure).OfType<string>()],
            median,
            values.Length == 0 ? null : values.Min(),
            values.Length == 0 ? null : values.Max(),
            median / reference,
            MedianOf(cells, m => m.P50),
            MedianOf(cells, m => m.P99),
            MedianOf(cells, m => m.AllocatedBytes),
            cells.Select(c => c.Measurement).OfType<Measurement>().SelectMany(m => m.Details.Keys).Distinct()
                .ToDictionary(k => k, k => MedianOf(cells, m => m.Details.TryGetValue(k, out double value) ? value : null)!.Value));
    }

    private static double? MedianOf(IEnumerable<Cell> cells, Func<Measurement, double?> figure)
    {
        double[] sorted = [.. cells.Select(c => c.Measurement).OfType<Measurement>().Select(figure).OfType<double>().Order()];
        return sorted.Length == 0 ? null : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

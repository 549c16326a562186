namespace WsServer.LoadTest.Measuring;

/// <summary>One scenario with one server in one round: a measurement or why there is none.</summary>
internal sealed record Cell(int Round, string Scenario, string Server, Measurement? Measurement, string? Failure);

/// <summary>The rounds of one scenario with one server together.</summary>
/// <param name="Scenario">The scenario's name.</param>
/// <param name="Server">The server's name.</param>
/// <param name="Rounds">How many measurements the figures are taken from: those that nothing disturbed, if there are any.</param>
/// <param name="IsDisturbed">Whether all were disturbed, and so these are.</param>
/// <param name="Failures">Why there are no others.</param>
/// <param name="Median">The median of the values, as all figures below are medians.</param>
/// <param name="Min">The least value.</param>
/// <param name="Max">The greatest value.</param>
/// <param name="Ratio">The median by that of the reference server.</param>
/// <param name="P50">The latency in µs.</param>
/// <param name="P99">The latency in µs.</param>
/// <param name="P99Ratio">That latency by the reference server's.</param>
/// <param name="AllocatedBytes">Bytes that a message allocates.</param>
/// <param name="Details">Figures that only this scenario has.</param>
internal sealed record Summary(
    string Scenario,
    string Server,
    int Rounds,
    bool IsDisturbed,
    IReadOnlyList<string> Failures,
    double? Median,
    double? Min,
    double? Max,
    double? Ratio,
    double? P50,
    double? P99,
    double? P99Ratio,
    double? AllocatedBytes,
    IReadOnlyDictionary<string, double> Details)
{
    /// <summary>Sums up all cells, in the order of the scenarios and servers.</summary>
    public static IReadOnlyList<Summary> Create(IReadOnlyList<Cell> cells, string reference)
    {
        var summaries = new List<Summary>();
        foreach (IGrouping<string, Cell> scenario in cells.GroupBy(c => c.Scenario))
        {
            Measurement[] unit = Usable(scenario.Where(c => c.Server == reference));
            summaries.AddRange(scenario.GroupBy(c => c.Server).Select(s => Create(scenario.Key, s.Key, [.. s], unit)));
        }

        return summaries;
    }

    private static Summary Create(string scenario, string server, IReadOnlyList<Cell> cells, Measurement[] reference)
    {
        Measurement[] usable = Usable(cells);
        double[] values = [.. usable.Select(m => m.Value)];
        double? median = MedianOf(usable, m => m.Value);
        double? p99 = MedianOf(usable, m => m.P99);
        return new Summary(
            scenario,
            server,
            values.Length,
            usable.Any(m => m.IsDisturbed),
            [.. cells.Select(c => c.Failure).OfType<string>()],
            median,
            values.Length == 0 ? null : values.Min(),
            values.Length == 0 ? null : values.Max(),
            median / MedianOf(reference, m => m.Value),
            MedianOf(usable, m => m.P50),
            p99,
            p99 / MedianOf(reference, m => m.P99),
            MedianOf(usable, m => m.AllocatedBytes),
            usable.SelectMany(m => m.Details.Keys).Distinct()
                .ToDictionary(k => k, k => MedianOf(usable, m => m.Details.TryGetValue(k, out double value) ? value : null)!.Value));
    }

    // The choice looks at the company a window had, never at its figures.
    private static Measurement[] Usable(IEnumerable<Cell> cells)
    {
        Measurement[] all = [.. cells.Select(c => c.Measurement).OfType<Measurement>()];
        Measurement[] undisturbed = [.. all.Where(m => !m.IsDisturbed)];
        return undisturbed.Length > 0 ? undisturbed : all;
    }

    private static double? MedianOf(IEnumerable<Measurement> measurements, Func<Measurement, double?> figure)
    {
        double[] sorted = [.. measurements.Select(figure).OfType<double>().Order()];
        return sorted.Length == 0 ? null : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

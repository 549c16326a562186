using System.Globalization;
using System.Text.Json;
using WsServer.Soak.Actors;

namespace WsServer.Soak.Reports;

/// <summary>What a run has brought.</summary>
/// <param name="Options">What was asked for.</param>
/// <param name="Samples">Each second of it.</param>
/// <param name="Tally">What was done.</param>
/// <param name="Left">What the server held when everybody was gone.</param>
/// <param name="HeapLeft">And its managed memory then, collected.</param>
internal sealed record Report(Options Options, IReadOnlyList<Sample> Samples, Tally Tally, Counts Left, long HeapLeft)
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public double CpuRatio => Verdict.MedianOf(Samples, 3, s => s.CpuMicroseconds) / Verdict.MedianOf(Samples, 1, s => s.CpuMicroseconds);

    public double ResidentRise => Verdict.RiseOf(Samples, s => s.ResidentBytes);

    public double HeapRise => Verdict.RiseOf(Samples, s => s.HeapBytes);

    private double MedianP50 => Verdict.MedianOf(Samples, 3, s => s.P50 ?? 0);

    private double MedianP99 => Verdict.MedianOf(Samples, 3, s => s.P99 ?? 0);

    public void Print()
    {
        foreach ((string what, long count) in Tally.Done.OrderBy(d => d.Key, StringComparer.Ordinal))
        {
            Console.WriteLine($"{count,10} {what}");
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Tally.Messages:#,0} messages; CPU time for each, last quarter by the second: {CpuRatio:0.00}; "
            + $"over the second half {ResidentRise / 1e6:+0.0;-0.0} MB in RAM, {HeapRise / 1e6:+0.0;-0.0} MB of managed objects; "
            + $"last quarter: p50 {MedianP50 / 1000:0.0} ms, p99 {MedianP99 / 1000:0.0} ms."));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"When all were gone: {Left}, {HeapLeft / 1e6:0.0} MB of managed memory."));
    }

    public string ToJson(IReadOnlyList<string> wrong) => JsonSerializer.Serialize(
        new
        {
            Options.Minutes,
            Options.Connections,
            Options.Seed,
            Tally.Messages,
            Done = Tally.Done.OrderBy(d => d.Key, StringComparer.Ordinal).ToDictionary(),
            CpuMicroseconds = Verdict.MedianOf(Samples, 3, s => s.CpuMicroseconds),
            CpuRatio,
            ResidentRise,
            HeapRise,
            MedianP50,
            MedianP99,
            Left,
            HeapLeft,
            Wrong = wrong,
            Samples,
        },
        Json) + "\n";
}

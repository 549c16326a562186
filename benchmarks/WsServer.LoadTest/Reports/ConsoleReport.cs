using System.Globalization;
using WsServer.LoadTest.Measuring;
using WsServer.LoadTest.Scenarios;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Reports;

/// <summary>A table for each scenario.</summary>
internal static class ConsoleReport
{
    public static void Write(Report report)
    {
        foreach ((Scenario scenario, IReadOnlyList<(ServerKind Server, Summary Summary)> rows) in report.Tables)
        {
            Console.WriteLine();
            Console.WriteLine($"{scenario.Name}: {scenario.Unit}");
            Console.WriteLine($"  {"",-19}{"median",11}{"min",11}{"max",11}{"ratio",8}{"p50 µs",11}{"p99 µs",11}{"p99 ratio",11}{"alloc B",10}{"rounds",8}");
            foreach ((ServerKind server, Summary summary) in rows)
            {
                Console.WriteLine(
                    $"  {server.Title,-19}{Number(summary.Median),11}{Number(summary.Min),11}{Number(summary.Max),11}{Number(summary.Ratio),8}"
                    + $"{Number(summary.P50),11}{Number(summary.P99),11}{Number(summary.P99Ratio),11}{Number(summary.AllocatedBytes),10}{Rounds(summary),8}"
                    + string.Concat(summary.Details.Select(d => $"  {d.Key} {Number(d.Value)}")));
                foreach (string failure in summary.Failures)
                {
                    Console.WriteLine($"  {server.Title,-19}FAILED: {failure}");
                }
            }
        }

        Console.WriteLine();
        int disturbed = report.Cells.Count(c => c.Measurement is { IsDisturbed: true });
        if (disturbed > 0)
        {
            Console.WriteLine(
                $"{disturbed} of {report.Cells.Count} windows were disturbed: other programs took more than a tenth of a processor. They count only where there are no others (*).");
        }
    }

    // A star: all of them were disturbed.
    private static string Rounds(Summary summary) => string.Create(
        CultureInfo.InvariantCulture, $"{summary.Rounds}{(summary.IsDisturbed ? "*" : "")}");

    private static string Number(double? number) =>
        number?.ToString(Math.Abs(number.Value) < 100 ? "0.00" : "#,0", CultureInfo.InvariantCulture) ?? "-";
}

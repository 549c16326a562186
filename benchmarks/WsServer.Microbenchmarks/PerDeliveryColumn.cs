using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace WsServer.Microbenchmarks;

/// <summary>What one of a benchmark's deliveries takes, where it has the parameters <c>Receivers</c> and perhaps <c>Burst</c>.</summary>
internal sealed class PerDeliveryColumn(string name, Func<BenchmarkReport, double?> total) : IColumn
{
    public string Id => ColumnName;

    public string ColumnName => name;

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => $"{name}: of one message to one client";

    public bool IsAvailable(Summary summary) => summary.BenchmarksCases.Any(b => b.Parameters["Receivers"] is not null);

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) => GetValue(summary, benchmarkCase, summary.Style);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) =>
        benchmarkCase.Parameters["Receivers"] is int receivers && summary[benchmarkCase] is { } report && total(report) is { } value
            ? (value / receivers / (benchmarkCase.Parameters["Burst"] as int? ?? 1)).ToString("0.0", CultureInfo.InvariantCulture)
            : "-";
}

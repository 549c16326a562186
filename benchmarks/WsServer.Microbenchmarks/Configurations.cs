using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace WsServer.Microbenchmarks;

/// <summary>How BenchmarkDotNet is to measure.</summary>
internal static class Configurations
{
    /// <summary>For figures: a process for each benchmark. Shorter than by default, as there are many.</summary>
    public static IConfig Full() => Basis(DefaultConfig.Instance.GetLoggers())
        .AddExporter([.. DefaultConfig.Instance.GetExporters()])
        .AddJob(Job.Default.WithWarmupCount(5).WithIterationCount(12).WithIterationTime(TimeInterval.FromMilliseconds(200)));

    /// <summary>For finding out whether each runs at all: once, in this process.</summary>
    public static IConfig Smoke(ILogger logger) => Basis([logger])
        .AddJob(Job.Dry.WithToolchain(InProcessEmitToolchain.Instance));

    /// <summary>Whether there was something to run, and all of it ran to the end.</summary>
    public static bool HaveSucceeded(IEnumerable<Summary> summaries)
    {
        Summary[] all = [.. summaries];
        return all.Sum(s => s.Reports.Length) > 0 && all.All(HasSucceeded);
    }

    private static bool HasSucceeded(Summary summary) =>
        !summary.HasCriticalValidationErrors && summary.Reports.Length == summary.BenchmarksCases.Length && summary.Reports.All(r => r.Success);

    private static ManualConfig Basis(IEnumerable<ILogger> loggers) => ManualConfig.CreateEmpty()
        .AddLogger([.. loggers])
        .AddColumnProvider(DefaultColumnProviders.Instance)
        .AddColumn(StatisticColumn.Min) // on a shared machine the one that holds from run to run
        .AddColumn(new PerDeliveryColumn("ns/delivery", report => report.ResultStatistics?.Median))
        .AddColumn(new PerDeliveryColumn("B/delivery", report => report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase)))
        .AddDiagnoser(MemoryDiagnoser.Default)
        .AddAnalyser([.. DefaultConfig.Instance.GetAnalysers()])
        .AddValidator([.. DefaultConfig.Instance.GetValidators()])
        .WithArtifactsPath(Path.Combine("artifacts", "microbenchmarks"));
}

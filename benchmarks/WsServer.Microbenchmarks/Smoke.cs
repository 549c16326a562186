using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace WsServer.Microbenchmarks;

/// <summary>Runs every benchmark once, so that none rots unseen. Says nothing about time.</summary>
internal static class Smoke
{
    public static int Run()
    {
        Type[] benchmarks = [.. typeof(Smoke).Assembly.GetTypes().Where(HasBenchmarks)];
        bool[] succeeded = [.. benchmarks.Select(Run)];
        return succeeded.Length > 0 && succeeded.All(s => s) ? 0 : 1;
    }

    private static bool HasBenchmarks(Type type) => type.GetMethods().Any(m => m.IsDefined(typeof(BenchmarkAttribute), inherit: false));

    private static bool Run(Type type)
    {
        var log = new AccumulationLogger();
        Summary summary = BenchmarkRunner.Run(type, Configurations.Smoke(log));
        foreach (BenchmarkReport report in summary.Reports)
        {
            Console.WriteLine($"{(report.Success ? "ran   " : "FAILED")} {report.BenchmarkCase.Descriptor.DisplayInfo} {report.BenchmarkCase.Parameters.DisplayInfo}");
        }

        bool hasSucceeded = Configurations.HaveSucceeded([summary]);
        if (!hasSucceeded)
        {
            Console.Error.WriteLine(log.GetLog());
        }

        return hasSucceeded;
    }
}

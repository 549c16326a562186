using BenchmarkDotNet.Running;
using WsServer.Microbenchmarks;

switch (args)
{
    case ["--smoke"]:
        return Smoke.Run();
    case ["--allocations", .. string[] rest]:
        return await AllocationCheck.RunAsync(rest);
    case ["--scaling"]:
        return await ScalingCheck.RunAsync();
    default:
        IEnumerable<BenchmarkDotNet.Reports.Summary> summaries = BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, Configurations.Full());
        return Configurations.HaveSucceeded(summaries) ? 0 : 1;
}

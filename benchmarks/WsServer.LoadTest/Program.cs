using System.Runtime.InteropServices;
using WsServer.LoadTest;
using WsServer.LoadTest.Measuring;
using WsServer.LoadTest.Reports;
using WsServer.LoadTest.Scenarios;
using WsServer.LoadTest.Servers;

Options options;
try
{
    options = Options.Parse(args);
}
catch (UsageException exception)
{
    Console.Error.WriteLine(exception.Message);
    Console.Error.WriteLine(Options.Usage);
    return 2;
}

if (options.IsHelp)
{
    Console.WriteLine(Options.Usage);
    return 0;
}

if (options.IsList)
{
    foreach (Scenario scenario in options.Scenarios)
    {
        Console.WriteLine($"{scenario.Name,-16} {scenario.Description}");
    }

    foreach (ServerKind server in options.Servers)
    {
        Console.WriteLine($"{server.Name,-16} {server.Title}");
    }

    return 0;
}

if (!OperatingSystem.IsLinux())
{
    Console.Error.WriteLine("The load test needs Linux: its client waits with epoll, and it reads CPU time and memory from /proc.");
    return 2;
}

Folders folders = Folders.Find();
IReadOnlyList<ServerKind> servers;
try
{
    servers = ServerBuild.Prepare(folders, options.Servers);
}
catch (InvalidOperationException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}

// Whoever stops this program does not mean a server to go on.
using var cancellation = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
var started = DateTimeOffset.UtcNow;
IReadOnlyList<Cell> cells;
try
{
    using var runner = new Runner(options, folders, servers, cancellation.Token);
    cells = runner.Run();
}
catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
{
    Console.Error.WriteLine("Stopped.");
    return 130;
}

var report = new Report(started, options, servers, cells, Summary.Create(cells, options.IsScaleOut ? ServerKind.All[0].Name : ServerKind.Reference));
ConsoleReport.Write(report);
string? output = options.Out ?? (options.IsQuick ? null : folders.Results);
if (output is not null)
{
    Directory.CreateDirectory(output);
    string name = options.IsScaleOut ? "scale-out" : "results";
    File.WriteAllText(Path.Combine(output, $"{name}.json"), JsonReport.Create(report));
    if (!options.IsScaleOut)
    {
        File.WriteAllText(Path.Combine(output, $"{name}.svg"), SvgReport.Create(report));
    }

    Console.WriteLine($"{output}: {name}.*");
}

int failures = cells.Count(c => c.Failure is not null);
if (failures > 0)
{
    Console.Error.WriteLine($"{failures} of {cells.Count} cells FAILED.");
    return 1;
}

return 0;

void Cancel(PosixSignalContext context)
{
    context.Cancel = true;
    cancellation.Cancel();
}

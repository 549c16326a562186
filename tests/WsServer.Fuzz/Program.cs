using System.Diagnostics;
using System.Globalization;
using WsServer.Tests.Fuzzing;

// dotnet run -c Release --project tests/WsServer.Fuzz -- --target all --seconds 60 --seed 1
// With --case N it runs that one case of a target again.

const int Slice = 200;
TimeSpan progressEvery = TimeSpan.FromSeconds(30);

if (args.Length % 2 != 0 || args.Where((_, i) => i % 2 == 0).Any(a => a is not ("--target" or "--seconds" or "--seed" or "--case")))
{
    Console.Error.WriteLine($"Usage: [--target all|{string.Join('|', FuzzTarget.All.Select(t => t.Name))}] [--seconds 10] [--seed 1] [--case N]");
    return 2;
}

string name = Option("--target") ?? "all";
int seed = int.Parse(Option("--seed") ?? "1", CultureInfo.InvariantCulture);
double seconds = double.Parse(Option("--seconds") ?? "10", CultureInfo.InvariantCulture);
FuzzRun[] runs = [.. FuzzTarget.All.Where(t => name == "all" || t.Name == name).Select(t => new FuzzRun(t, seed))];
if (runs.Length == 0)
{
    Console.Error.WriteLine($"There is no target {name}.");
    return 2;
}

try
{
    if (Option("--case") is { } number)
    {
        foreach (FuzzRun run in runs)
        {
            Console.WriteLine($"{run.Target.Name}: {run.RunCase(long.Parse(number, CultureInfo.InvariantCulture))}");
        }

        return 0;
    }

    RunForAWhile();
}
catch (InvalidOperationException failure)
{
    Console.Error.WriteLine(failure);
    return 1;
}

return 0;

// Targets take turns, each for the same time.
void RunForAWhile()
{
    var clock = Stopwatch.StartNew();
    var spent = new TimeSpan[runs.Length];
    TimeSpan next = progressEvery;
    while (clock.Elapsed.TotalSeconds < seconds)
    {
        int turn = Array.IndexOf(spent, spent.Min());
        TimeSpan start = clock.Elapsed;
        for (int i = 0; i < Slice; i++)
        {
            runs[turn].Next();
        }

        spent[turn] += clock.Elapsed - start;
        if (clock.Elapsed >= next)
        {
            next += progressEvery;
            Report(clock.Elapsed);
        }
    }

    Report(clock.Elapsed);
}

void Report(TimeSpan elapsed)
{
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{elapsed.TotalSeconds:0} s, seed {seed}, {runs.Sum(r => r.Count):n0} cases"));
    foreach (FuzzRun run in runs)
    {
        Console.WriteLine($"  {run}");
    }
}

string? Option(string option)
{
    int at = Array.IndexOf(args, option);
    return at < 0 ? null : args[at + 1];
}

using WsServer.Soak;

Options options;
try
{
    options = Options.Parse(args);
}
catch (FormatException exception)
{
    Console.Error.WriteLine(exception.Message);
    Console.Error.WriteLine(Options.Usage);
    return 2;
}

if (!OperatingSystem.IsLinux())
{
    Console.Error.WriteLine("The soak needs Linux: it reads CPU time and memory from /proc.");
    return 2;
}

IReadOnlyList<string> wrong = options.Churn > 0 ? await Churn.RunAsync(options) : await SoakRun.RunAsync(options);
foreach (string what in wrong)
{
    Console.Error.WriteLine($"FAILED: {what}");
}

return wrong.Count == 0 ? 0 : 1;

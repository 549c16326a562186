using System.Globalization;

namespace WsServer.Soak;

/// <summary>What the command line asks for.</summary>
internal sealed record Options
{
    public const string Usage = """
        benchmarks/soak [--minutes 30] [--connections 2000] [--seed 1] [--out DIR]
        benchmarks/soak --churn 100000 [--seed 1]
        """;

    public double Minutes { get; private init; } = 30;

    public int Connections { get; private init; } = 2_000;

    public int Seed { get; private init; } = 1;

    /// <summary>How many connections come and go, instead of the soak; zero: the soak.</summary>
    public int Churn { get; private init; }

    /// <summary>The folder for the results; none are written without it.</summary>
    public string? Out { get; private init; }

    /// <exception cref="FormatException">It cannot be understood.</exception>
    public static Options Parse(string[] arguments)
    {
        var options = new Options();
        if (arguments.Length % 2 != 0)
        {
            throw new FormatException("Each option has a value.");
        }

        for (int i = 0; i < arguments.Length; i += 2)
        {
            string value = arguments[i + 1];
            options = arguments[i] switch
            {
                "--minutes" => options with { Minutes = double.Parse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture) },
                "--connections" => options with { Connections = ReadNumber(value) },
                "--seed" => options with { Seed = ReadNumber(value) },
                "--churn" => options with { Churn = ReadNumber(value) },
                "--out" => options with { Out = value },
                _ => throw new FormatException($"There is no option {arguments[i]}."),
            };
        }

        return options;
    }

    private static int ReadNumber(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}

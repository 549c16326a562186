using System.Globalization;
using WsServer.LoadTest.Scenarios;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest;

/// <summary>The command line is wrong; the message says how.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>What the command line asks for.</summary>
internal sealed class Options
{
    private const int DefaultRounds = 5;

    public const string Usage = """
        Usage: dotnet run -c Release --project benchmarks/WsServer.LoadTest -- [options]

          --rounds N               How often each scenario is measured with each server (5; with --quick 1).
          --scenario NAME[,NAME]   Only these; fanout means all that begin with fanout-.
          --server NAME[,NAME]     Only these.
          --server-env NAME=VALUE  Sets an environment variable for the servers. May be given several times.
          --out DIR                Where results.json and results.svg go (benchmarks/results; with --quick nowhere).
          --scale-out              Servers of one, two and three nodes, with rooms over all of them.
          --quick                  Few connections and short windows: whether everything works, not how fast it is.
          --list                   Lists the scenarios and servers.
          --help                   This text.
        """;

    public int Rounds { get; private init; }

    public IReadOnlyList<Scenario> Scenarios { get; private init; } = [];

    public IReadOnlyList<ServerKind> Servers { get; private init; } = [];

    public IReadOnlyDictionary<string, string> ServerEnvironment { get; private init; } = new Dictionary<string, string>();

    /// <summary>Where the results go if not to the usual place.</summary>
    public string? Out { get; private init; }

    public bool IsQuick { get; private init; }

    /// <summary>Whether the servers are some of several nodes.</summary>
    public bool IsScaleOut { get; private init; }

    public bool IsList { get; private init; }

    public bool IsHelp { get; private init; }

    public static Options Parse(IReadOnlyList<string> arguments)
    {
        int? rounds = null;
        var scenarios = new List<string>();
        var servers = new List<string>();
        var environment = new Dictionary<string, string>();
        string? output = null;
        bool isQuick = false, isScaleOut = false, isList = false, isHelp = false;
        for (int i = 0; i < arguments.Count; i++)
        {
            switch (arguments[i])
            {
                case "--rounds":
                    rounds = ReadNumber(Value());
                    break;
                case "--scenario":
                    scenarios.AddRange(Value().Split(','));
                    break;
                case "--server":
                    servers.AddRange(Value().Split(','));
                    break;
                case "--server-env":
                    string[] pair = Value().Split('=', 2);
                    environment[pair[0]] = pair.Length == 2 ? pair[1] : throw new UsageException("--server-env needs NAME=VALUE.");
                    break;
                case "--out":
                    output = Value();
                    break;
                case "--quick":
                    isQuick = true;
                    break;
                case "--scale-out":
                    isScaleOut = true;
                    break;
                case "--list":
                    isList = true;
                    break;
                case "--help" or "-h":
                    isHelp = true;
                    break;
                default:
                    throw new UsageException($"There is no option {arguments[i]}.");
            }

            string Value() => ++i < arguments.Count ? arguments[i] : throw new UsageException($"{arguments[i - 1]} needs a value.");
        }

        IReadOnlyList<Scenario> all = (isScaleOut, isQuick) switch
        {
            (true, true) => Catalog.ScaleOutQuick,
            (true, false) => Catalog.ScaleOut,
            (false, true) => Catalog.Quick,
            (false, false) => Catalog.Full,
        };
        return new Options
        {
            Rounds = rounds ?? (isQuick ? 1 : DefaultRounds),
            Scenarios = [.. Select(all, s => s.Name, scenarios, "scenario").Where(s => isList || scenarios.Count > 0 || !s.IsOnRequest)],
            Servers = Select(isScaleOut ? ServerKind.ScaleOut : ServerKind.All, s => s.Name, servers, "server"),
            IsScaleOut = isScaleOut,
            ServerEnvironment = environment,
            Out = output,
            IsQuick = isQuick,
            IsList = isList,
            IsHelp = isHelp,
        };
    }

    private static int ReadNumber(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0
            ? number
            : throw new UsageException("--rounds needs a number from 1 on.");

    // A name means itself, or else all that begin with it.
    private static IReadOnlyList<T> Select<T>(IReadOnlyList<T> all, Func<T, string> nameOf, List<string> wanted, string what)
    {
        if (wanted.Count == 0)
        {
            return all;
        }

        var selected = new HashSet<T>();
        foreach (string name in wanted)
        {
            T[] found = [.. all.Where(x => nameOf(x) == name)];
            if (found.Length == 0)
            {
                found = [.. all.Where(x => nameOf(x).StartsWith($"{name}-", StringComparison.Ordinal))];
            }

            if (found.Length == 0)
            {
                throw new UsageException($"There is no {what} {name}. There are: {string.Join(", ", all.Select(nameOf))}.");
            }

            selected.UnionWith(found);
        }

        return [.. all.Where(selected.Contains)];
    }
}

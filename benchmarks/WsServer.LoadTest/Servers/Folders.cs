namespace WsServer.LoadTest.Servers;

/// <summary>Where things are in the repository.</summary>
internal sealed class Folders
{
    private readonly string _framework;

    private Folders(string root)
    {
        Benchmarks = Path.Combine(root, "benchmarks");

        // The servers are built for the same framework as this program, into a folder of the same name.
        _framework = new DirectoryInfo(AppContext.BaseDirectory).Name;
    }

    public string Benchmarks { get; }

    /// <summary>Where Node.js's packages are.</summary>
    public string Node => Path.Combine(Benchmarks, "node");

    /// <summary>Where the results go if nothing else is said.</summary>
    public string Results => Path.Combine(Benchmarks, "results");

    /// <summary>Finds the repository that this program was built in.</summary>
    public static Folders Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "WsServer.sln")))
            {
                return new Folders(folder.FullName);
            }
        }

        throw new InvalidOperationException($"There is no WsServer.sln above {AppContext.BaseDirectory}.");
    }

    /// <summary>The folder of a project.</summary>
    public string GetProject(string name) => Path.Combine(Benchmarks, name);

    /// <summary>What the release build of a project makes.</summary>
    public string GetAssembly(string project) => Path.Combine(GetProject(project), "bin", "Release", _framework, $"{project}.dll");
}

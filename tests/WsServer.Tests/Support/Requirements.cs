using Xunit;

namespace WsServer.Tests.Support;

/// <summary>What some tests need beside the .NET SDK. On a developer's machine they are skipped without it; in CI (<c>CI=true</c>) they fail.</summary>
internal static class Requirements
{
    public const string NoSocketIOClient = "socket.io-client is missing: run npm ci in tests/node.";
    public const string NoSignals = "Windows has no SIGTERM.";

    private static readonly string[] BrowserNames = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

    private static readonly string[] BrowserPaths =
    [
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ];

    /// <summary>Whether a program can be asked to end by a signal.</summary>
    public static bool HasSignals => !OperatingSystem.IsWindows();

    /// <summary>A Chromium or a browser made of it; null without.</summary>
    public static string? Browser { get; } = BrowserNames.Select(FindOnPath).Concat(BrowserPaths.Where(File.Exists)).FirstOrDefault(p => p is not null);

    /// <summary>Node.js; null without.</summary>
    public static string? Node { get; } = FindOnPath("node");

    /// <summary>nginx; null without.</summary>
    public static string? Nginx { get; } = FindOnPath("nginx") ?? (File.Exists("/usr/sbin/nginx") ? "/usr/sbin/nginx" : null);

    /// <summary>HAProxy; null without.</summary>
    public static string? HaProxy { get; } = FindOnPath("haproxy") ?? (File.Exists("/usr/sbin/haproxy") ? "/usr/sbin/haproxy" : null);

    /// <summary>The tool of the certificate store that Chromium has on Linux; null without.</summary>
    public static string? CertUtil { get; } = FindOnPath("certutil");

    /// <summary>RabbitMQ as Debian packs it, without the script around it that only root and its own user may run; null without.</summary>
    public static string? RabbitMQ { get; } = File.Exists("/usr/lib/rabbitmq/bin/rabbitmq-server") ? "/usr/lib/rabbitmq/bin/rabbitmq-server" : null;

    /// <summary>The name server of Erlang, which RabbitMQ needs.</summary>
    public static string? Epmd { get; } = FindOnPath("epmd");

    /// <summary>The wscat of <c>tests/node</c>.</summary>
    public static string Wscat { get; } = Repository.PathTo("tests", "node", "node_modules", "wscat", "bin", "wscat");

    /// <summary>The Socket.IO client of <c>tests/node</c>.</summary>
    public static string SocketIOClient { get; } = Repository.PathTo("tests", "node", "node_modules", "socket.io-client");

    /// <summary>The Python of the system, for which Debian has packages.</summary>
    public static string Python => "/usr/bin/python3";

    /// <summary>Whether it has Python's Socket.IO client, and what that needs for its transports.</summary>
    public static bool HasPythonSocketIO { get; } = new[] { "socketio", "aiohttp" }.All(m => Directory.Exists($"/usr/lib/python3/dist-packages/{m}"));

    /// <summary>Why a test is skipped, or null when it runs: there is what it needs, or this is CI, where it must be.</summary>
    public static string? SkipUnless(bool isThere, string reason) =>
        isThere || Environment.GetEnvironmentVariable("CI") == "true" ? null : reason;

    private static string? FindOnPath(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, name))
        .FirstOrDefault(File.Exists);
}

/// <summary>A test with programs that are ended as a terminal or a container ends them.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ProcessFactAttribute : FactAttribute
{
    public ProcessFactAttribute() => Skip = Requirements.SkipUnless(Requirements.HasSignals, Requirements.NoSignals);
}

/// <summary>A test that needs what Linux alone has, such as <c>/dev/full</c>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute() => Skip = Requirements.SkipUnless(OperatingSystem.IsLinux(), "This is not Linux.");
}

/// <summary>A test with a real browser.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute() => Skip =
        Requirements.SkipUnless(Requirements.HasSignals, Requirements.NoSignals)
        ?? Requirements.SkipUnless(Requirements.Browser is not null, "No Chromium or Chrome was found.");
}

/// <summary>A test with a real browser that is made to trust an authority.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TrustingBrowserFactAttribute : FactAttribute
{
    public TrustingBrowserFactAttribute() => Skip = new BrowserFactAttribute().Skip
        ?? Requirements.SkipUnless(OperatingSystem.IsLinux() && Requirements.CertUtil is not null, "certutil is missing (Debian: libnss3-tools).");
}

/// <summary>A test with a real nginx.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NginxFactAttribute : FactAttribute
{
    public NginxFactAttribute() => Skip =
        Requirements.SkipUnless(Requirements.HasSignals, Requirements.NoSignals)
        ?? Requirements.SkipUnless(Requirements.Nginx is not null, "nginx is missing.");
}

/// <summary>A test with a real RabbitMQ.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RabbitMQFactAttribute : FactAttribute
{
    public RabbitMQFactAttribute() => Skip = Reason;

    public static string? Reason { get; } =
        Requirements.SkipUnless(Requirements.HasSignals, Requirements.NoSignals)
        ?? Requirements.SkipUnless(Requirements.RabbitMQ is not null && Requirements.Epmd is not null, "RabbitMQ is missing (Debian: rabbitmq-server).");
}

/// <summary>A test with several nodes: a real RabbitMQ, and a real nginx in front.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodesFactAttribute : FactAttribute
{
    public NodesFactAttribute() => Skip = Reason;

    public static string? Reason { get; } = RabbitMQFactAttribute.Reason ?? new NginxFactAttribute().Skip;
}

/// <summary>The same with HAProxy, and Socket.IO's client from <c>tests/node</c>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodesTheoryAttribute : TheoryAttribute
{
    public NodesTheoryAttribute() => Skip = NodesFactAttribute.Reason
        ?? Requirements.SkipUnless(Requirements.HaProxy is not null, "HAProxy is missing.")
        ?? new NodeTheoryAttribute().Skip;
}

/// <summary>A test with a program of Node.js from <c>tests/node</c>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodeFactAttribute : FactAttribute
{
    public NodeFactAttribute() => Skip =
        Requirements.SkipUnless(Requirements.HasSignals, Requirements.NoSignals)
        ?? Requirements.SkipUnless(Requirements.Node is not null, "No Node.js was found.")
        ?? Requirements.SkipUnless(File.Exists(Requirements.Wscat), "wscat is missing: run npm ci in tests/node.");
}

/// <summary>A test with a page that has the script of Socket.IO's client from <c>tests/node</c>, in a real browser.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SocketIOPageFactAttribute : FactAttribute
{
    public SocketIOPageFactAttribute() => Skip = new BrowserFactAttribute().Skip
        ?? Requirements.SkipUnless(Directory.Exists(Requirements.SocketIOClient), Requirements.NoSocketIOClient);
}

/// <summary>Tests with the Socket.IO client of <c>tests/node</c>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodeTheoryAttribute : TheoryAttribute
{
    public NodeTheoryAttribute() => Skip =
        Requirements.SkipUnless(Requirements.Node is not null, "No Node.js was found.")
        ?? Requirements.SkipUnless(Directory.Exists(Requirements.SocketIOClient), Requirements.NoSocketIOClient);
}

/// <summary>Tests with Python's Socket.IO client.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PythonTheoryAttribute : TheoryAttribute
{
    public PythonTheoryAttribute() =>
        Skip = Requirements.SkipUnless(Requirements.HasPythonSocketIO, "Debian's packages python3-socketio and python3-aiohttp are missing.");
}

/// <summary>The folder this was built from.</summary>
internal static class Repository
{
    /// <summary>Debug or Release: what is started beside the tests is what was built with them.</summary>
    public const string Configuration =
#if DEBUG
        "Debug";
#else
        "Release";
#endif

    public static string Root { get; } = FindRoot();

    public static string PathTo(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string FindRoot()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "WsServer.sln")))
            {
                return folder;
            }
        }

        throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} has WsServer.sln.");
    }
}

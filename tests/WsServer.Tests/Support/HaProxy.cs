using System.Globalization;

namespace WsServer.Tests.Support;

/// <summary>A real HAProxy with the configuration of <c>samples/ScaleOut</c>, as a process of its own.</summary>
internal sealed class HaProxy : IAsyncDisposable
{
    private readonly string _folder;
    private readonly RunningProcess _process;

    private HaProxy(string folder, RunningProcess process, int port)
    {
        _folder = folder;
        _process = process;
        Http = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://localhost:{port}/"));
    }

    public Uri Http { get; }

    /// <summary>Starts it, and waits until it answers.</summary>
    public static async Task<HaProxy> StartSampleAsync(IReadOnlyList<Uri> nodes)
    {
        string folder = Directory.CreateTempSubdirectory("haproxy-").FullName;
        int port = FreePort.Find();
        string file = Path.Combine(folder, "haproxy.cfg");
        await File.WriteAllTextAsync(file, SampleConfiguration.Read("haproxy.cfg", port, nodes));
        RunningProcess process = RunningProcess.Start(Requirements.HaProxy!, "-db", "-f", file);
        var proxy = new HaProxy(folder, process, port);
        await Within.UntilAsync(() => FreePort.IsTaken(port), $"HAProxy listens; it said: {process.Transcript}");
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

using FluentAssertions;
using WsServer.Tests.Support;

namespace WsServer.Tests.EndToEnd;

/// <summary>The application of <c>src/WsServer</c> as it was built with the tests, as its own process.</summary>
internal sealed class App : IAsyncDisposable
{
    /// <summary>What <c>dotnet exec</c> starts.</summary>
    public static readonly string Program = Repository.PathTo("src", "WsServer", "bin", Repository.Configuration, "net10.0", "WsServer.dll");

    private App(RunningProcess process, Uri address)
    {
        Process = process;
        Address = address;
    }

    public RunningProcess Process { get; }

    public Uri Address { get; }

    /// <summary>Starts it on a port that is free, or on this one.</summary>
    public static Task<App> StartAsync(int port = 0, params string[] arguments) =>
        StartAsync("dotnet", ["exec", Program, "--urls", $"http://127.0.0.1:{port}", .. arguments]);

    /// <summary>Starts it with so many file descriptors and no more.</summary>
    public static Task<App> StartWithDescriptorsAsync(int descriptors) =>
        StartAsync("sh", ["-c", $"ulimit -n {descriptors}; exec dotnet exec '{Program}' --urls http://127.0.0.1:0"]);

    /// <summary>Ends it as a terminal would.</summary>
    public async Task StopAsync() => (await Process.StopAsync()).Should().Be(0);

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    private static async Task<App> StartAsync(string file, string[] arguments)
    {
        RunningProcess process = RunningProcess.Start(file, arguments);
        try
        {
            return new App(process, await process.WaitForAddressAsync());
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }
}

using FluentAssertions;
using WsServer.Tests.Support;

namespace WsServer.Tests.EndToEnd;

/// <summary>The application of <c>src/WsServer</c> as it was built with the tests, as its own process.</summary>
internal sealed class App : IAsyncDisposable
{
    /// <summary>What <c>dotnet exec</c> starts.</summary>
    public static readonly string Program = Repository.PathTo("src", "WsServer", "bin", Repository.Configuration, "net10.0", "WsServer.dll");

    private readonly RunningProcess _process;

    private App(RunningProcess process, Uri address)
    {
        _process = process;
        Address = address;
    }

    public Uri Address { get; }

    /// <summary>Starts it on a port that is free, or on this one.</summary>
    public static async Task<App> StartAsync(int port = 0, params string[] arguments)
    {
        RunningProcess process = RunningProcess.Start("dotnet", ["exec", Program, "--urls", $"http://127.0.0.1:{port}", .. arguments]);
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

    /// <summary>Ends it as a terminal would.</summary>
    public async Task StopAsync() => (await _process.StopAsync()).Should().Be(0);

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}

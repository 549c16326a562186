using BenchmarkDotNet.Attributes;

namespace WsServer.Microbenchmarks;

/// <summary>A benchmark of a whole server, with clients in memory.</summary>
public abstract class ServerBenchmark : IAsyncDisposable
{
    private protected MemoryServer Server { get; } = new();

    [GlobalCleanup]
    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

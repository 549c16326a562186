using BenchmarkDotNet.Attributes;

namespace WsServer.Microbenchmarks;

/// <summary>The server asks a client and gets its ack: 64 questions under way at once.</summary>
public class ServerAck : ServerBenchmark
{
    private AckExchange _exchange = null!;

    [GlobalSetup]
    public void SetUp() => _exchange = new AckExchange(Server);

    [Benchmark(OperationsPerInvoke = AckExchange.Batch)]
    public void Ask() => _exchange.Run();
}

using BenchmarkDotNet.Attributes;
using WsServer.Connections;

namespace WsServer.Microbenchmarks;

/// <summary>A broadcast to every client, the sender too.</summary>
public class Fanout : ServerBenchmark
{
    private MemoryTransport _sender = null!;
    private TransportMessage[] _burst = [];
    private JsonArguments _data;

    /// <summary>How many clients get each broadcast.</summary>
    [Params(100, 1_000, 5_000)]
    public int Receivers { get; set; }

    /// <summary>How many broadcasts come at once.</summary>
    [Params(1, 16)]
    public int Burst { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        Server.Io.OnRaw("broadcast", (_, data) => Server.Io.EmitAsync("broadcast", data));
        Server.Connect(Receivers - 1);
        RecordingClient sender = Server.Connect(deliveries => new RecordingClient(deliveries)).Client;
        _sender = sender;
        TransportMessage message = Messages.Event("broadcast", Messages.Data);
        sender.Expect(message, $$"""{"event":"broadcast","data":{{Messages.Data}}}""", deliveries: Receivers);
        _burst = [.. Enumerable.Repeat(message, Burst)];
        _data = Server.Io.Serializer.Write(new string('x', 100));
    }

    /// <summary>A handler passes on what a client sent.</summary>
    [Benchmark]
    public void Relay()
    {
        Server.Deliveries.Expect(Burst * Receivers);
        _sender.Deliver(_burst);
        Server.Deliveries.Wait();
    }

    /// <summary>The program emits by itself.</summary>
    [Benchmark]
    public void Emit()
    {
        Server.Deliveries.Expect(Burst * Receivers);
        for (int i = 0; i < Burst; i++)
        {
            _ = Server.Io.EmitAsync("broadcast", _data);
        }

        Server.Deliveries.Wait();
    }
}

using System.Diagnostics;
using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Measuring;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Connections that do nothing: what each of them keeps in memory.</summary>
internal sealed class Idle(string name, int connections) : Scenario(name, name, connections)
{
    private const int WarmUpConnections = 200;

    public override string Unit => "bytes of memory for each connection";

    public override string Description =>
        string.Create(CultureInfo.InvariantCulture, $"{Connections} connections that do nothing; bytes for each, also after a garbage collection");

    public override Measurement Measure(Session session, Timing timing)
    {
        // What the first connections load and compile is no cost of each connection.
        using (var warmUp = new LoadClient([session.Server.Port], session.Kind.Dialect, session.Cancellation))
        {
            warmUp.OpenUpTo(WarmUpConnections);
        }

        LoadClient client = session.Client;
        Loop.For(client, timing.WarmUp);
        session.Control.TryCollect();
        long before = session.Server.ResidentBytes;
        long started = Stopwatch.GetTimestamp();
        TimeSpan cpu = session.Server.CpuTime;
        client.OpenUpTo(Connections);
        Loop.For(client, timing.Settle);
        cpu = session.Server.CpuTime - cpu;
        TimeSpan time = Stopwatch.GetElapsedTime(started);
        long settled = session.Server.ResidentBytes;
        var details = new Dictionary<string, double>
        {
            ["residentBytesBefore"] = before,
            ["residentBytes"] = settled,
        };
        if (session.Control.TryCollect())
        {
            Loop.For(client, timing.WarmUp);
            long collected = session.Server.ResidentBytes;
            details["residentBytesCollected"] = collected;
            details["bytesCollected"] = (double)(collected - before) / Connections;
        }

        return new Measurement
        {
            Value = (double)(settled - before) / Connections,
            Messages = Connections,
            Seconds = time.TotalSeconds,
            ServerCpuSeconds = cpu.TotalSeconds,
            Details = details,
        };
    }
}

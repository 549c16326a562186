using System.Diagnostics;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Measuring;

/// <summary>Measures a window, from its making to <see cref="Stop"/>.</summary>
internal sealed class Meter
{
    private readonly Session _session;
    private readonly ServerStats? _stats;
    private readonly BackplaneStats? _backplane;
    private readonly TimeSpan _serverCpu;
    private readonly TimeSpan _brokerCpu;
    private readonly TimeSpan _clientCpu;
    private readonly double _machineCpu;
    private readonly long _started;

    public Meter(Session session)
    {
        // The clocks are read last here and first at the end, so that asking for the counters is outside of the window.
        _session = session;
        _stats = session.Control.GetStats();
        _backplane = session.GetBackplane();
        _machineCpu = MachineClock.ReadBusySeconds();
        _clientCpu = Environment.CpuUsage.TotalTime;
        _brokerCpu = session.Broker?.CpuTime ?? TimeSpan.Zero;
        _serverCpu = session.CpuTime;
        _started = Stopwatch.GetTimestamp();
    }

    /// <summary>Ends the window; the value is µs of the server's CPU time for each message.</summary>
    public Measurement Stop(long messages, Histogram latencies, IReadOnlyDictionary<string, double>? details = null)
    {
        TimeSpan serverCpu = _session.CpuTime - _serverCpu;
        TimeSpan brokerCpu = (_session.Broker?.CpuTime ?? TimeSpan.Zero) - _brokerCpu;
        TimeSpan clientCpu = Environment.CpuUsage.TotalTime - _clientCpu;
        double machineCpu = MachineClock.ReadBusySeconds() - _machineCpu;
        TimeSpan time = Stopwatch.GetElapsedTime(_started);
        ServerStats? stats = _session.Control.GetStats();
        return new Measurement
        {
            Value = serverCpu.TotalMicroseconds / messages,
            Messages = messages,
            Seconds = time.TotalSeconds,
            ServerCpuSeconds = serverCpu.TotalSeconds,
            ClientCpuMicroseconds = clientCpu.TotalMicroseconds / messages,
            OtherCpuSeconds = Math.Max(0, machineCpu - serverCpu.TotalSeconds - brokerCpu.TotalSeconds - clientCpu.TotalSeconds),
            P50 = latencies.Percentile(0.5),
            P99 = latencies.Percentile(0.99),
            AllocatedBytes = (double?)(stats?.AllocatedBytes - _stats?.AllocatedBytes) / messages,
            GcPauseMs = stats?.GcPauseMs - _stats?.GcPauseMs,
            Details = WithNodes(details ?? new Dictionary<string, double>(), messages, time, brokerCpu),
        };
    }

    /// <summary>Adds what the hop between the nodes takes, for each message that a client got.</summary>
    private Dictionary<string, double> WithNodes(IReadOnlyDictionary<string, double> details, long messages, TimeSpan time, TimeSpan brokerCpu)
    {
        var all = new Dictionary<string, double>(details) { ["perSecond"] = messages / time.TotalSeconds };
        if (_session.Broker is null)
        {
            return all;
        }

        all["brokerCpuMicroseconds"] = brokerCpu.TotalMicroseconds / messages;
        if (_session.GetBackplane() is { } now && _backplane is not null)
        {
            BackplaneStats taken = now - _backplane;
            all["backplaneSent"] = (double)taken.Sent / messages;
            all["backplaneReceived"] = (double)taken.Received / messages;
            all["backplaneReceivedBytes"] = (double)taken.ReceivedBytes / messages;
        }

        return all;
    }
}

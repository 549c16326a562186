using System.Diagnostics.Metrics;

namespace WsServer.LoadServer;

/// <summary>Adds up what the node gives to the backplane and gets from it, by the server's own metrics.</summary>
internal sealed class BackplaneCounters : IDisposable
{
    private readonly MeterListener _listener = new();
    private long _sent;
    private long _sentBytes;
    private long _received;
    private long _receivedBytes;

    public BackplaneCounters()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "WsServer" && instrument.Name.StartsWith("wsserver.backplane.", StringComparison.Ordinal))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Add(instrument.Name, value));
        _listener.Start();
    }

    /// <summary>What it was since the start of the process.</summary>
    public BackplaneCounts Read() =>
        new(Volatile.Read(ref _sent), Volatile.Read(ref _sentBytes), Volatile.Read(ref _received), Volatile.Read(ref _receivedBytes));

    public void Dispose() => _listener.Dispose();

    private void Add(string name, long value)
    {
        switch (name)
        {
            case "wsserver.backplane.sent":
                Interlocked.Add(ref _sent, value);
                break;
            case "wsserver.backplane.sent.bytes":
                Interlocked.Add(ref _sentBytes, value);
                break;
            case "wsserver.backplane.received":
                Interlocked.Add(ref _received, value);
                break;
            case "wsserver.backplane.received.bytes":
                Interlocked.Add(ref _receivedBytes, value);
                break;
        }
    }
}

/// <summary>What <c>GET /backplane</c> answers.</summary>
internal sealed record BackplaneCounts(long Sent, long SentBytes, long Received, long ReceivedBytes);

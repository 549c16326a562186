using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace WsServer.Tests.Support;

/// <summary>Listens to the counter of comebacks, of all servers of the process.</summary>
internal sealed class CountedRecoveries : IDisposable
{
    private readonly ConcurrentQueue<bool> _counted = new();
    private readonly MeterListener _listener = new();

    public CountedRecoveries()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == "wsserver.recoveries")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, _, tags, _) => _counted.Enqueue((bool)tags[0].Value!));
        _listener.Start();
    }

    /// <summary>Whether each has succeeded.</summary>
    public IEnumerable<bool> Counted => _counted;

    public void Dispose() => _listener.Dispose();
}

using System.Diagnostics.Metrics;

namespace WsServer.Tests.Support;

/// <summary>Adds up what one server counts with one counter.</summary>
internal sealed class CountedMetric : IDisposable
{
    private readonly MeterListener _listener = new();
    private long _total;

    public CountedMetric(EventServerHost host, string name)
        : this(host.App.Services, name)
    {
    }

    public CountedMetric(IServiceProvider services, string name)
    {
        IMeterFactory own = services.GetRequiredService<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == name && instrument.Meter.Scope == own)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref _total, value));
        _listener.Start();
    }

    public long Total => Interlocked.Read(ref _total);

    public void Dispose() => _listener.Dispose();
}

using System.Diagnostics.Tracing;

namespace WsServer.SoakServer;

/// <summary>Counts buffers that were rented from the shared pool and not given back, while it is switched on.</summary>
internal sealed class RentedBuffers : EventListener
{
    private const int Rented = 1;
    private const int Returned = 3;

    private EventSource? _pool;
    private long _rents;
    private long _out;

    /// <summary>How many were rented since it was switched on.</summary>
    public long Rents => Interlocked.Read(ref _rents);

    /// <summary>How many more were rented than given back since it was switched on.</summary>
    public long Out => Interlocked.Read(ref _out);

    /// <summary>Begins to count; each rent then costs time, so it is off otherwise.</summary>
    public void Start()
    {
        if (_pool is not null)
        {
            EnableEvents(_pool, EventLevel.Verbose);
        }
    }

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "System.Buffers.ArrayPoolEventSource")
        {
            _pool = eventSource;
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventId == Rented)
        {
            Interlocked.Increment(ref _rents);
            Interlocked.Increment(ref _out);
        }
        else if (eventData.EventId == Returned)
        {
            Interlocked.Decrement(ref _out);
        }
    }
}

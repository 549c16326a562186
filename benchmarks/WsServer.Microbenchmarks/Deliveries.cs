namespace WsServer.Microbenchmarks;

/// <summary>How many messages all the clients in memory have got, beside how many they should have.</summary>
internal sealed class Deliveries
{
    private long _expected;
    private long _count;

    /// <summary>A client got messages.</summary>
    public void Add(int count) => Interlocked.Add(ref _count, count);

    /// <summary>Waits until as many more have arrived as said.</summary>
    /// <exception cref="InvalidOperationException">More came than that.</exception>
    /// <exception cref="TimeoutException">Fewer came.</exception>
    public void WaitFor(long more)
    {
        _expected += more;
        Deadline deadline = default;
        while (Volatile.Read(ref _count) < _expected)
        {
            deadline.Spin("every message is delivered");
        }

        if (Volatile.Read(ref _count) > _expected)
        {
            throw new InvalidOperationException($"{_count} messages were delivered; there should have been {_expected}.");
        }
    }
}

/// <summary>
/// Waits for what another thread is just doing, without the allocations of a wait handle, and not for ever. Gives its
/// core away rather than sleeping: a sleep would be longer than what is measured.
/// </summary>
internal struct Deadline
{
    private const long PatienceMs = 60_000;

    private SpinWait _spin;
    private long _end;

    public void Spin(string what)
    {
        _end = _end == 0 ? Environment.TickCount64 + PatienceMs : _end;
        if (Environment.TickCount64 > _end)
        {
            throw new TimeoutException($"It did not come about that {what}.");
        }

        _spin.SpinOnce(sleep1Threshold: -1);
    }
}

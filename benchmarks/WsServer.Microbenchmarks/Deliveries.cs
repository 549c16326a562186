namespace WsServer.Microbenchmarks;

/// <summary>How many messages all the clients in memory have got, beside how many they should have.</summary>
internal sealed class Deliveries : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // Spins for about as long as it takes to wake a thread, then leaves its core to the server.
    private readonly ManualResetEventSlim _complete = new(initialState: true, spinCount: 100);
    private long _expected;
    private long _count;

    /// <summary>So many more are about to come.</summary>
    public void Expect(long more)
    {
        _complete.Reset();
        Interlocked.Add(ref _expected, more);
    }

    /// <summary>A client got messages.</summary>
    public void Add(int count)
    {
        if (Interlocked.Add(ref _count, count) >= Volatile.Read(ref _expected))
        {
            _complete.Set();
        }
    }

    /// <summary>Waits until all those expected have arrived.</summary>
    /// <exception cref="InvalidOperationException">More came than that.</exception>
    /// <exception cref="TimeoutException">Fewer came.</exception>
    public void Wait()
    {
        if (!_complete.Wait(Patience))
        {
            throw new TimeoutException($"{Volatile.Read(ref _count)} messages were delivered; there should have been {_expected}.");
        }

        if (Volatile.Read(ref _count) > _expected)
        {
            throw new InvalidOperationException($"{_count} messages were delivered; there should have been {_expected}.");
        }
    }

    public void Dispose() => _complete.Dispose();
}

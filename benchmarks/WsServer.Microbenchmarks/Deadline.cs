namespace WsServer.Microbenchmarks;

/// <summary>
/// Waits for what another thread is just doing, without the allocations of a wait handle, and not for ever. Gives its
/// core away rather than sleeping: a sleep would be longer than what is measured.
/// </summary>
internal struct Deadline
{
    private const long PatienceMs = 60_000;

    private SpinWait _spin;
    private long _end;

    /// <summary>Waits a moment more.</summary>
    /// <param name="what">What should come about.</param>
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

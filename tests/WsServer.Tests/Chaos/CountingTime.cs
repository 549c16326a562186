namespace WsServer.Tests.Chaos;

/// <summary>The system's time, with a count of the timers that there are.</summary>
internal sealed class CountingTime : TimeProvider
{
    private int _timers;

    /// <summary>How many timers were made and not disposed.</summary>
    public int Timers => Volatile.Read(ref _timers);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Interlocked.Increment(ref _timers);
        return new Counted(this, base.CreateTimer(callback, state, dueTime, period));
    }

    private sealed class Counted(CountingTime time, ITimer timer) : ITimer
    {
        private int _isDisposed;

        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(dueTime, period);

        public void Dispose()
        {
            Note();
            timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Note();
            return timer.DisposeAsync();
        }

        private void Note()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            {
                Interlocked.Decrement(ref time._timers);
            }
        }
    }
}

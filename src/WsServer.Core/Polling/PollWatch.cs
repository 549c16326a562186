namespace WsServer.Polling;

/// <summary>
/// Looks every few milliseconds whether a call keeps a loop's thread, and sleeps while nothing happens in any. A thread of
/// its own, as the pool may have none to spare just then; and by the system's time, as blocking is of this world.
/// </summary>
internal sealed class PollWatch(PollThreads threads)
{
    // A call is found out after one to two of these.
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(5);

    // To be woken costs more than to look: so it goes on for a while when nothing happens.
    private const int IdleTicks = 20;

    private PollLoop[] _loops = [];
    private volatile bool _isAsleep;

    /// <summary>Begins to look, until all loops are over.</summary>
    public void Start(PollLoop[] loops)
    {
        _loops = loops;
        new Thread(Live) { IsBackground = true, Name = "WsServer socket watch" }.UnsafeStart();
    }

    /// <summary>Something happens in a loop, whose turn has just changed, or it is over.</summary>
    public void Notice()
    {
        if (_isAsleep)
        {
            lock (this)
            {
                _isAsleep = false;
                Monitor.Pulse(this);
            }
        }
    }

    private void Live()
    {
        int idle = 0;
        while (!Array.TrueForAll(_loops, static loop => loop.IsOver))
        {
            idle = HasHappened() ? 0 : idle + 1;
            lock (this)
            {
                if (idle < IdleTicks)
                {
                    Monitor.Wait(this, Tick);
                    continue;
                }

                // Said first, and then looked once more: who does something afterwards sees it.
                _isAsleep = true;
                Interlocked.MemoryBarrier();
            }

            if (!HasHappened() && !Array.TrueForAll(_loops, static loop => loop.IsOver))
            {
                Sleep();
            }

            _isAsleep = false;
            idle = 0;
        }
    }

    private void Sleep()
    {
        lock (this)
        {
            while (_isAsleep)
            {
                Monitor.Wait(this);
            }
        }
    }

    private bool HasHappened()
    {
        bool hasHappened = false;
        foreach (PollLoop loop in _loops)
        {
            hasHappened |= loop.Look(threads);
        }

        return hasHappened;
    }
}

namespace WsServer.Polling;

/// <summary>
/// Looks every few milliseconds whether a call keeps a loop's thread, and sleeps while nothing happens in any. A thread of
/// its own, as the pool may have none to spare just then; and by the system's time, as blocking is of this world.
/// </summary>
internal sealed class PollWatch : IDisposable
{
    // A call is found out after one to two of these.
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(5);

    // To be woken costs more than to look: so it goes on for a while when nothing happens.
    private const int IdleTicks = 20;

    private readonly PollThreads _threads;
    private readonly AutoResetEvent _wake = new(false);
    private PollLoop[] _loops = [];
    private volatile bool _isAsleep;
    private volatile bool _isStopping;

    public PollWatch(PollThreads threads) => _threads = threads;

    public void Start(PollLoop[] loops)
    {
        _loops = loops;
        new Thread(Live) { IsBackground = true, Name = "WsServer socket watch" }.UnsafeStart();
    }

    /// <summary>Something happens in a loop whose turn has just changed.</summary>
    public void Notice()
    {
        if (_isAsleep)
        {
            _isAsleep = false;
            _wake.Set();
        }
    }

    public void Dispose()
    {
        _isStopping = true;
        _wake.Set();
    }

    private void Live()
    {
        int idle = 0;
        while (!_isStopping)
        {
            idle = HasHappened() ? 0 : idle + 1;
            if (idle < IdleTicks)
            {
                _wake.WaitOne(Tick);
                continue;
            }

            // Said first, and then looked once more: who does something afterwards sees it.
            _isAsleep = true;
            Interlocked.MemoryBarrier();
            if (!HasHappened() && !_isStopping)
            {
                _wake.WaitOne();
            }

            _isAsleep = false;
            idle = 0;
        }

        _wake.Dispose();
    }

    private bool HasHappened()
    {
        bool hasHappened = false;
        foreach (PollLoop loop in _loops)
        {
            hasHappened |= loop.Look(_threads);
        }

        return hasHappened;
    }
}

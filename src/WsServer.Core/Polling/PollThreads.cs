using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using WsServer.Diagnostics;

namespace WsServer.Polling;

/// <summary>The threads of all loops, and those that wait for the next loop to take over.</summary>
internal sealed class PollThreads(ILogger logger)
{
    private readonly List<PollThread> _free = [];

    /// <summary>A thread that is to be started with something to do. False when there is none, and none can be made.</summary>
    public bool TryTake([NotNullWhen(true)] out PollThread? thread)
    {
        lock (_free)
        {
            if (_free.Count > 0)
            {
                thread = _free[^1];
                _free.RemoveAt(_free.Count - 1);
                return true;
            }
        }

        try
        {
            thread = new PollThread(this);
            return true;
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            logger.NoPollThread(exception);
            thread = null;
            return false;
        }
    }

    /// <summary>It has nothing to do.</summary>
    public void Park(PollThread thread)
    {
        lock (_free)
        {
            _free.Add(thread);
        }
    }

    /// <summary>It has waited in vain; false when it has something to do by now.</summary>
    public bool TryEnd(PollThread thread)
    {
        lock (_free)
        {
            return _free.Remove(thread);
        }
    }
}

/// <summary>A thread that has a loop, or waits for one.</summary>
internal sealed class PollThread
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly PollThreads _threads;
    private PollLoop? _loop;
    private long _turn;
    private bool _isStarted;

    public PollThread(PollThreads threads)
    {
        _threads = threads;
        new Thread(Live) { IsBackground = true, Name = "WsServer sockets" }.UnsafeStart();
    }

    /// <summary>Runs a loop; none: it is not needed after all.</summary>
    public void Start(PollLoop? loop, long turn)
    {
        lock (this)
        {
            _loop = loop;
            _turn = turn;
            _isStarted = true;
            Monitor.Pulse(this);
        }
    }

    private void Live()
    {
        while (HasStarted())
        {
            _loop?.Run(_turn);
            _threads.Park(this);
        }
    }

    // False when it has waited in vain for long.
    private bool HasStarted()
    {
        lock (this)
        {
            while (!_isStarted)
            {
                if (!Monitor.Wait(this, Patience) && !_isStarted && _threads.TryEnd(this))
                {
                    return false;
                }
            }

            _isStarted = false;
            return true;
        }
    }
}

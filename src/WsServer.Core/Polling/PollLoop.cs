using Microsoft.Extensions.Logging;
using WsServer.Diagnostics;

namespace WsServer.Polling;

/// <summary>
/// Waits for sockets, and calls whoever has one when something has happened there: on the thread that waits, one after
/// the other. One thread has the loop at a time. A call that does not return in time loses it to another thread, which
/// goes on with the rest; when it returns, its thread sees that and leaves.
/// </summary>
/// <remarks>
/// With <see cref="MostBlocked"/> threads in such calls, further ones are left to the thread pool until one returns: the
/// loop itself never stops, and never has more threads than that and its own.
/// </remarks>
internal sealed class PollLoop : IDisposable
{
    /// <summary>How many threads may be in calls that have lost the loop.</summary>
    public const int MostBlocked = 4;

    private const int BatchEvents = 256;

    // Of _turn, whose upper bits count the threads that have had the loop and whose lower ones the events that were
    // taken: it never is again what it was.
    private const long Waits = 1L << 55;
    private const int ThreadShift = 56;

    private static readonly ContextCallback Execute = static polled => ((IPolled)polled!).Execute();

    private readonly Epoll _epoll;
    private readonly PollTable _table = new();
    private readonly PollWatch _watch;
    private readonly ILogger _logger;
    private readonly byte[] _buffer = new byte[Epoll.BytesFor(BatchEvents)];
    private readonly PollEvent[] _batch = new PollEvent[BatchEvents];
    private long _batchStart;
    private int _batchCount;
    private long _turn;
    private long _seen;
    private int _blocked;
    private volatile bool _isStopping;
    private volatile bool _isOver;

    public PollLoop(Epoll epoll, PollWatch watch, ILogger logger)
    {
        _epoll = epoll;
        _watch = watch;
        _logger = logger;
    }

    /// <summary>How many sockets it waits for.</summary>
    public int Count => _table.Count;

    /// <summary>How many threads are in calls that have lost the loop.</summary>
    public int Blocked => Volatile.Read(ref _blocked);

    /// <summary>Whether it has ended, which nobody waits for.</summary>
    public bool IsOver => _isOver;

    /// <summary>The turn that its first thread has, for <see cref="Run"/>.</summary>
    public static long FirstTurn => 0;

    /// <summary>Begins to wait for a socket; false when the operating system allows no more.</summary>
    /// <param name="polled">Whose it is.</param>
    /// <param name="key">For <see cref="Remove"/>.</param>
    public bool TryAdd(IPolled polled, out ulong key)
    {
        key = _table.Add(polled);
        if (!_isStopping && _epoll.TryAdd(polled.Handle, key))
        {
            return true;
        }

        Forget(key);
        return false;
    }

    /// <summary>Waits for it no longer. Once for each that was added, and before its socket is closed.</summary>
    public void Remove(IPolled polled, ulong key)
    {
        try
        {
            _epoll.Remove(polled.Handle);
        }
        catch (ObjectDisposedException)
        {
            // Somebody else has closed the socket, and its number may be another's already.
            _logger.PolledSocketGone();
        }

        Forget(key);
    }

    /// <summary>What a thread does that has the loop, until it has lost it or the loop is over.</summary>
    /// <param name="turn">The turn in which it has it.</param>
    public void Run(long turn)
    {
        ExecutionContext context = ExecutionContext.Capture()!;
        while (true)
        {
            long at = (turn & (Waits - 1)) - _batchStart;
            if ((ulong)at < (uint)_batchCount)
            {
                // Read before it is claimed: afterwards, if that took long, the batch may be another's.
                PollEvent next = _batch[at];
                if (Interlocked.CompareExchange(ref _turn, turn + 1, turn) != turn)
                {
                    Leave();
                    return;
                }

                turn++;
                if (at == 0)
                {
                    _watch.Notice();
                }

                Tell(next, context);
                continue;
            }

            if (Interlocked.CompareExchange(ref _turn, turn | Waits, turn) != turn)
            {
                Leave();
                return;
            }

            if (_isStopping && TryEnd())
            {
                return;
            }

            _batchCount = _epoll.Wait(_buffer, _batch);
            _batchStart = (turn + 1) & (Waits - 1);
            turn = (turn & ~(Waits - 1)) | _batchStart;
            Volatile.Write(ref _turn, turn);
        }
    }

    /// <summary>For the watch, which looks every few milliseconds: gives the loop to another thread if it has been in one call since the last look.</summary>
    /// <returns>Whether anything has happened since then.</returns>
    public bool Look(PollThreads threads)
    {
        long turn = Volatile.Read(ref _turn);
        if (turn != _seen)
        {
            _seen = turn;
            return true;
        }

        if ((turn & Waits) != 0)
        {
            return false;
        }

        if (Blocked < MostBlocked && threads.TryTake(out PollThread? thread))
        {
            long next = unchecked(turn + (1L << ThreadShift));
            bool isTaken = Interlocked.CompareExchange(ref _turn, next, turn) == turn;
            if (isTaken)
            {
                Interlocked.Increment(ref _blocked);
            }

            thread.Start(isTaken ? this : null, next);
        }

        return true;
    }

    /// <summary>The loop ends when it has no socket any more.</summary>
    public void Dispose()
    {
        _isStopping = true;
        Wake();
    }

    private void Tell(in PollEvent happened, ExecutionContext context)
    {
        if (_table.Find(happened.Key) is not { } polled || !polled.Note(happened.Events))
        {
            return;
        }

        if (Blocked >= MostBlocked)
        {
            ThreadPool.UnsafeQueueUserWorkItem(polled, preferLocal: false);
            return;
        }

        try
        {
            // As the pool does it: what one leaves behind on the thread is not the next one's.
            ExecutionContext.Run(context, Execute, polled);
        }
        catch (Exception exception)
        {
            _logger.PolledFailed(exception);
        }
    }

    private void Leave() => Interlocked.Decrement(ref _blocked);

    private void Forget(ulong key)
    {
        _table.Remove(key);
        if (_isStopping)
        {
            Wake();
        }
    }

    private bool TryEnd()
    {
        lock (_table)
        {
            if (_table.Count > 0)
            {
                return false;
            }

            _isOver = true;
            _epoll.Dispose();
        }

        _watch.Notice();
        return true;
    }

    private void Wake()
    {
        lock (_table)
        {
            if (!_isOver)
            {
                _epoll.Wake();
            }
        }
    }
}

using Microsoft.Extensions.Logging;
using WsServer.Diagnostics;

namespace WsServer.Polling;

/// <summary>Waits for the sockets of a server, with some loops that share them.</summary>
internal sealed class Poller : IDisposable
{
    private readonly PollLoop[] _loops;

    private Poller(PollLoop[] loops) => _loops = loops;

    /// <summary>The loops, each of which has a thread.</summary>
    public IReadOnlyList<PollLoop> Loops => _loops;

    /// <summary>Starts one; null where the operating system has no such thing, or forbids it.</summary>
    public static Poller? TryStart(int loops, ILogger logger)
    {
        var threads = new PollThreads(logger);
        var watch = new PollWatch(threads);
        var made = new List<PollLoop>();
        var started = new List<PollThread>();
        string reason = "no thread";
        while (made.Count < loops)
        {
            if (!threads.TryTake(out PollThread? thread))
            {
                break;
            }

            if (Epoll.TryCreate(out reason) is not { } epoll)
            {
                thread.Start(null, PollLoop.FirstTurn);
                break;
            }

            made.Add(new PollLoop(epoll, watch, logger));
            started.Add(thread);
        }

        if (made.Count == 0)
        {
            logger.NoPolling(reason);
            return null;
        }

        for (int i = 0; i < made.Count; i++)
        {
            started[i].Start(made[i], PollLoop.FirstTurn);
        }

        PollLoop[] all = [.. made];
        watch.Start(all);
        return new Poller(all);
    }

    /// <summary>The loop for one more socket: that with the fewest.</summary>
    public PollLoop Choose()
    {
        PollLoop fewest = _loops[0];
        foreach (PollLoop loop in _loops.AsSpan(1))
        {
            if (loop.Count < fewest.Count)
            {
                fewest = loop;
            }
        }

        return fewest;
    }

    /// <summary>The loops end when their last socket has gone.</summary>
    public void Dispose()
    {
        foreach (PollLoop loop in _loops)
        {
            loop.Dispose();
        }
    }
}

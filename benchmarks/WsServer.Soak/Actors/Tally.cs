using System.Collections.Concurrent;
using WsServer.LoadTest.Measuring;

namespace WsServer.Soak.Actors;

/// <summary>What all actors together have done and found. Safe for concurrent use.</summary>
internal sealed class Tally
{
    private readonly ConcurrentDictionary<string, long> _done = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly Lock _gate = new();
    private Histogram _latencies = new();
    private long _messages;
    private int _failureCount;

    /// <summary>How many messages have gone to the server and come from it.</summary>
    public long Messages => Interlocked.Read(ref _messages);

    /// <summary>How often each thing was done.</summary>
    public IReadOnlyDictionary<string, long> Done => _done;

    /// <summary>What went wrong: the first of it.</summary>
    public IReadOnlyCollection<string> Failures => _failures;

    public int FailureCount => Volatile.Read(ref _failureCount);

    public void AddMessages(int count) => Interlocked.Add(ref _messages, count);

    public void Count(string what) => _done.AddOrUpdate(what, 1, (_, count) => count + 1);

    public void Fail(string who, Exception exception)
    {
        const int Kept = 20;
        if (Interlocked.Increment(ref _failureCount) <= Kept)
        {
            _failures.Enqueue($"{who}: {exception.Message}");
            Console.Error.WriteLine($"FAILED {who}: {exception}");
        }
    }

    /// <summary>Adds how long a message was on its way, in ticks of the stopwatch.</summary>
    public void AddLatency(long ticks)
    {
        lock (_gate)
        {
            _latencies.Add(ticks);
        }
    }

    /// <summary>Gives what has come in since the last call.</summary>
    public Histogram TakeLatencies()
    {
        lock (_gate)
        {
            Histogram taken = _latencies;
            _latencies = new Histogram();
            return taken;
        }
    }
}

using System.Collections.Concurrent;

namespace WsServer.Limits;

/// <summary>
/// The buckets of addresses or users. They are there while somebody uses them, and after that until they are full again,
/// so that nobody gets a full one by connecting anew. Safe for concurrent use.
/// </summary>
internal sealed class SharedMeters<TKey>(RateLimit limit, TimeProvider time)
    where TKey : notnull
{
    private readonly ConcurrentDictionary<TKey, SharedMeter> _meters = new();
    private readonly ConcurrentQueue<KeyValuePair<TKey, SharedMeter>> _unused = new();

    /// <summary>How many there are.</summary>
    public int Count => _meters.Count;

    /// <summary>That of a key, to be given back.</summary>
    public SharedMeter Rent(TKey key)
    {
        while (true)
        {
            SharedMeter meter = _meters.GetOrAdd(key, static (_, limit) => new SharedMeter(limit), limit);
            lock (meter)
            {
                if (!meter.IsForgotten)
                {
                    meter.Users++;
                    return meter;
                }
            }
        }
    }

    /// <summary>Gives it back.</summary>
    public void Return(TKey key, SharedMeter meter)
    {
        lock (meter)
        {
            meter.Users--;
        }

        // One that is not full is looked at again with each tick.
        if (!TryForget(key, meter))
        {
            _unused.Enqueue(KeyValuePair.Create(key, meter));
        }
    }

    /// <summary>Forgets those that have become full since.</summary>
    public void Tick()
    {
        for (int count = _unused.Count; count > 0 && _unused.TryDequeue(out KeyValuePair<TKey, SharedMeter> unused); count--)
        {
            if (!TryForget(unused.Key, unused.Value))
            {
                _unused.Enqueue(unused);
            }
        }
    }

    /// <summary>Whether there is no more to be done for it: it is forgotten, or somebody uses it again.</summary>
    private bool TryForget(TKey key, SharedMeter meter)
    {
        lock (meter)
        {
            if (meter.Users > 0 || meter.IsForgotten)
            {
                return true;
            }

            if (meter.TicksToFull(time.GetTimestamp()) > 0)
            {
                return false;
            }

            meter.IsForgotten = true;
            _meters.TryRemove(KeyValuePair.Create(key, meter));
            return true;
        }
    }
}

namespace WsServer.Cluster;

/// <summary>
/// Which channels this node needs, by how many of its rooms and namespaces are in each. A channel that nobody needs any
/// more is kept for a while, as rooms come and go faster than subscriptions should.
/// </summary>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class Interest(Func<string, bool, ValueTask> subscribe, TimeProvider time)
{
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private bool _hasBegun;

    /// <summary>How many channels are subscribed to.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>Subscribes to what is needed so far, and from now on at once.</summary>
    public void Begin()
    {
        lock (_gate)
        {
            _hasBegun = true;
            foreach ((string channel, Entry entry) in _entries)
            {
                entry.Subscribing = Start(channel);
            }
        }
    }

    /// <summary>One more needs it.</summary>
    public void Add(string channel)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(channel, out Entry? entry))
            {
                entry.Users++;
                return;
            }

            // Under the lock, so that nobody who finds it here finds it without the wait.
            _entries[channel] = new Entry { Users = 1, Subscribing = Start(channel) };
        }
    }

    /// <summary>One needs it no longer. May come before the call that it belongs to.</summary>
    public void Remove(string channel)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(channel, out Entry? entry))
            {
                _entries[channel] = entry = new Entry { Subscribing = Start(channel) };
            }

            if (--entry.Users <= 0)
            {
                entry.UnusedSince = time.GetTimestamp();
            }
        }
    }

    /// <summary>Ends when what is published to it from then on arrives.</summary>
    public Task WhenReady(string channel)
    {
        lock (_gate)
        {
            return _entries.TryGetValue(channel, out Entry? entry) ? entry.Subscribing : Task.CompletedTask;
        }
    }

    /// <summary>The same for rooms.</summary>
    public Task WhenReady(Channels channels, string ns, string[] rooms)
    {
        List<Task>? waits = null;
        foreach (string room in rooms)
        {
            Task ready = WhenReady(channels.OfRoom(ns, room));
            if (!ready.IsCompletedSuccessfully)
            {
                (waits ??= []).Add(ready);
            }
        }

        return waits is null ? Task.CompletedTask : Task.WhenAll(waits);
    }

    /// <summary>Ends subscriptions that have been of no use for long.</summary>
    public void Tick()
    {
        lock (_gate)
        {
            foreach ((string channel, Entry entry) in _entries)
            {
                // One that counts less than none waits for the call that it belongs to.
                if (entry.Users == 0 && time.GetElapsedTime(entry.UnusedSince) > Linger)
                {
                    _entries.Remove(channel);
                    _ = subscribe(channel, false).AsTask();
                }
            }
        }
    }

    private Task Start(string channel)
    {
        if (!_hasBegun)
        {
            return Task.CompletedTask;
        }

        ValueTask subscribing = subscribe(channel, true);
        return subscribing.IsCompletedSuccessfully ? Task.CompletedTask : subscribing.AsTask();
    }

    private sealed class Entry
    {
        public int Users { get; set; }

        public long UnusedSince { get; set; }

        public required Task Subscribing { get; set; }
    }
}

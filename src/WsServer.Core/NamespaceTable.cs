namespace WsServer;

/// <summary>
/// The namespaces of a server: those the program made, and those made when a client asks for a name that a rule
/// takes, which end with their last socket.
/// </summary>
internal sealed class NamespaceTable(EventRuntime runtime)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly List<(Func<string, bool> Matches, Action<EventNamespace> Configure)> _rules = [];

    public IReadOnlyCollection<EventNamespace> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _entries.Values.Select(e => e.Namespace)];
            }
        }
    }

    public void AddRule(Func<string, bool> matches, Action<EventNamespace> configure)
    {
        lock (_gate)
        {
            _rules.Add((matches, configure));
        }
    }

    /// <summary>The namespace of this name, made if need be.</summary>
    public EventNamespace GetOrAdd(string name)
    {
        lock (_gate)
        {
            return (Find(name) ?? Add(name, isDynamic: false)).Namespace;
        }
    }

    /// <summary>The namespace if there is one, without making any.</summary>
    public EventNamespace? Peek(string name)
    {
        lock (_gate)
        {
            return _entries.GetValueOrDefault(name)?.Namespace;
        }
    }

    /// <summary>Whether a client may ask for this name.</summary>
    public bool Exists(string name)
    {
        lock (_gate)
        {
            return _entries.ContainsKey(name) || _rules.Exists(r => r.Matches(name));
        }
    }

    /// <summary>The namespace for one more socket, or null when there is none of this name.</summary>
    public EventNamespace? Acquire(string name)
    {
        lock (_gate)
        {
            Entry? entry = Find(name);
            if (entry is not null)
            {
                entry.Users++;
            }

            return entry?.Namespace;
        }
    }

    /// <summary>One more place in a namespace that is there.</summary>
    public void Keep(EventNamespace ns)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(ns.Name, out Entry? entry) && entry.Namespace == ns)
            {
                entry.Users++;
            }
        }
    }

    /// <summary>A socket is gone for good; a dynamic namespace goes with its last.</summary>
    public void Release(EventNamespace ns)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(ns.Name, out Entry? entry) && entry.Namespace == ns && --entry.Users == 0 && entry.IsDynamic)
            {
                Remove(ns.Name);
            }
        }
    }

    private Entry? Find(string name)
    {
        if (_entries.TryGetValue(name, out Entry? entry))
        {
            return entry;
        }

        foreach ((Func<string, bool> matches, Action<EventNamespace> configure) in _rules)
        {
            if (matches(name))
            {
                entry = Add(name, isDynamic: true);
                try
                {
                    configure(entry.Namespace);
                }
                catch
                {
                    // Half set up it might let in whom its middleware would turn away.
                    Remove(name);
                    throw;
                }

                return entry;
            }
        }

        return null;
    }

    private Entry Add(string name, bool isDynamic)
    {
        if (!isDynamic)
        {
            runtime.Names.Add(name);
        }

        var entry = new Entry(new EventNamespace(name, runtime), isDynamic);
        _entries.Add(name, entry);
        runtime.Node?.Interest.Add(runtime.Node.Channels.OfNamespace(name));
        return entry;
    }

    private void Remove(string name)
    {
        if (_entries.Remove(name, out Entry? entry))
        {
            entry.Namespace.Presence?.End();
        }

        runtime.Node?.Interest.Remove(runtime.Node.Channels.OfNamespace(name));
    }

    private sealed class Entry(EventNamespace ns, bool isDynamic)
    {
        public EventNamespace Namespace => ns;

        public bool IsDynamic => isDynamic;

        public int Users { get; set; }
    }
}

using System.Collections.Concurrent;
using WsServer.Access;
using WsServer.Wire;

namespace WsServer.Dispatch;

/// <summary>Runs one handler; the result is the ack's arguments, or null when the handler has none.</summary>
internal delegate ValueTask<JsonArguments?> HandlerInvoker(EventSocket socket, JsonArguments arguments);

/// <summary>A handler as registered: what the user gave, and how to call it.</summary>
/// <param name="original">What the user gave.</param>
/// <param name="invoke">Calls it. The arguments are borrowed: once it returns, with or without a result, it does not read them again.</param>
/// <param name="isOnce">Whether it runs for one event only.</param>
internal sealed class Handler(Delegate original, HandlerInvoker invoke, bool isOnce)
{
    private int _isSpent;
    private volatile AccessRule? _access;

    public Delegate Original => original;

    public HandlerInvoker Invoke => invoke;

    public bool IsOnce => isOnce;

    /// <summary>How long it keeps the thread that calls it; null for a handler of a single socket, which is too short-lived to tell.</summary>
    public Pace? Pace { get; init; }

    /// <summary>Whom it runs for; null for everybody.</summary>
    public AccessRule? Access => _access;

    /// <summary>Runs for those only whom the rule lets pass.</summary>
    public void Require(AccessRule rule)
    {
        lock (this)
        {
            _access = AccessRule.Both(_access, rule);
        }
    }

    /// <summary>False for a handler that was to run once and has.</summary>
    public bool TryUse() => !isOnce || Interlocked.Exchange(ref _isSpent, 1) == 0;
}

/// <summary>The handlers of a namespace, or of one socket, by event.</summary>
/// <param name="names">Told of the names that messages may have; not of those of a single socket, which may be any number.</param>
/// <remarks>Safe for concurrent use. An event runs the handlers that were there when it came.</remarks>
internal sealed class HandlerTable(NameTable? names)
{
    private readonly ConcurrentDictionary<string, Handler[]> _handlers = new(StringComparer.Ordinal);
    private volatile Func<EventSocket, Packet, Task>[] _any = [];

    /// <summary>Whether the handlers are for all sockets of a namespace.</summary>
    public bool IsShared => names is not null;

    public Func<EventSocket, Packet, Task>[] Any => _any;

    public Handler[] Find(string name) => _handlers.TryGetValue(name, out Handler[]? found) ? found : [];

    public void Add(string name, Handler handler)
    {
        ReservedNames.ThrowIfUnusable(name);
        names?.Add(name);
        _handlers.AddOrUpdate(name, static (_, h) => [h], static (_, all, h) => [.. all, h], handler);
    }

    public void AddAny(Func<EventSocket, Packet, Task> handler)
    {
        lock (_handlers)
        {
            _any = [.. _any, handler];
        }
    }

    public void Remove(string name) => _handlers.TryRemove(name, out _);

    public void Remove(string name, Handler handler) => Remove(name, h => h == handler);

    /// <summary>Removes the handlers for which this holds.</summary>
    public void Remove(string name, Predicate<Handler> match)
    {
        while (_handlers.TryGetValue(name, out Handler[]? all))
        {
            Handler[] left = Array.FindAll(all, h => !match(h));
            bool isDone = left.Length == 0
                ? _handlers.TryRemove(KeyValuePair.Create(name, all))
                : _handlers.TryUpdate(name, left, all);
            if (isDone)
            {
                return;
            }
        }
    }
}

using System.Collections.Concurrent;

namespace WsServer.Recovery;

/// <summary>What the namespaces of a server share to let clients come back.</summary>
internal sealed class ServerRecovery(EventServerOptions options, TimeProvider time)
{
    private readonly ConcurrentDictionary<NamespaceRecovery, bool> _active = new();

    /// <summary>Whether clients can come back at all.</summary>
    public bool IsOn => options.RecoveryWindow > TimeSpan.Zero;

    public CutOffSockets CutOff { get; } = new(options.MaxRecoverableSockets, options.RecoveryWindow, time);

    /// <summary>Told when the place that a cut-off socket has kept in its namespace is free; set once, while the server is built.</summary>
    public Action<EventNamespace> Released { get; set; } = static _ => { };

    /// <summary>The most that a client may have missed, as it has to wait in its outbox.</summary>
    public long MaxMissedBytes => options.MaxOutboxBytes;

    public long Now => time.GetTimestamp();

    /// <summary>Whether what clients can come back to outlives a restart, so that they can come back after one.</summary>
    public bool OutlivesRestart => IsOn && options.RecoveryFile is { Length: > 0 };

    /// <summary>
    /// With several nodes: told that a room's events are wanted here, or no longer, though nobody is in it; set once, while
    /// the server is built.
    /// </summary>
    public Action<string, string, bool>? RoomInterest { get; set; }

    /// <summary>Whether other nodes may take over what clients can come back to.</summary>
    public bool IsShared => RoomInterest is not null;

    /// <summary>Whether what clients can come back to is kept though this process stops.</summary>
    public bool OutlivesStop => OutlivesRestart || (IsOn && IsShared);

    /// <summary>How long ago a timestamp was.</summary>
    public TimeSpan Age(long timestamp) => time.GetElapsedTime(timestamp);

    /// <summary>The timestamp of so long ago.</summary>
    public long Ago(TimeSpan age) => Now - (long)(age.TotalSeconds * time.TimestampFrequency);

    // A connection may be dead for as long as the heartbeat takes to find out, and what it missed is counted from then.
    public ReplayLog CreateLog() => new(
        new ReplayLimits(options.MaxReplayEvents, options.MaxReplayBytes, options.RecoveryWindow + options.PingInterval + options.PingTimeout), time, IsShared);

    /// <summary>From now on what is emitted to the rooms of one that is kept arrives here.</summary>
    public void Hold(CutOffSocket socket)
    {
        if (RoomInterest is { } interest)
        {
            socket.Held = [.. socket.Rooms.Keys];
            Array.ForEach(socket.Held, room => interest(socket.Namespace.Name, room, true));
        }
    }

    /// <summary>That is no longer wanted for its sake.</summary>
    public void LetGo(CutOffSocket socket)
    {
        string[] held = socket.Held;
        socket.Held = [];
        Array.ForEach(held, room => RoomInterest?.Invoke(socket.Namespace.Name, room, false));
    }

    /// <summary>Notes whether a namespace keeps a log.</summary>
    public void SetActive(NamespaceRecovery recovery, bool isActive)
    {
        if (isActive)
        {
            _active.TryAdd(recovery, true);
        }
        else
        {
            _active.TryRemove(recovery, out _);
        }
    }

    /// <summary>Forgets what is too old; called now and then.</summary>
    public void Tick()
    {
        while (CutOff.TakeExpired() is { } expired)
        {
            expired.Namespace.Recovery.Forget(expired);
        }

        foreach ((NamespaceRecovery recovery, _) in _active)
        {
            recovery.Trim();
        }
    }
}

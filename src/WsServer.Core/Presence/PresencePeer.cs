using WsServer.Cluster;

namespace WsServer.Presence;

/// <summary>Another node, as far as it has told of its sockets. Guarded by the gate of <see cref="ServerPresence"/>.</summary>
internal sealed class PresencePeer(string id, PresenceViews views)
{
    private readonly TaskCompletionSource _known = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Id => id;

    public PresenceState State { get; } = new(views);

    /// <summary>How many changes of that node its state has in it; -1 when that is not known.</summary>
    public long Version { get; private set; } = -1;

    /// <summary>The reading of all that it has, while there is one.</summary>
    public PresenceReading? Reading { get; set; }

    /// <summary>Ends when all that it has is known, for the first time, or it is gone.</summary>
    public Task Known => _known.Task;

    /// <summary>Takes a change; false when one before it is missing.</summary>
    /// <exception cref="InvalidDataException">It cannot be understood.</exception>
    public bool TryApply(long version, WireReader content)
    {
        if (version <= Version)
        {
            return true;
        }

        if (version != Version + 1)
        {
            return false;
        }

        // Until it is understood, nothing is known.
        Version = -1;
        content.Apply(State, id);
        Version = version;
        return true;
    }

    /// <summary>It has told all, or has nothing to tell.</summary>
    public void Know(PresenceState? all, long version)
    {
        if (all is not null)
        {
            State.Become(all);
        }

        Version = version;
        Reading = null;
        _known.TrySetResult();
    }

    public void Gone()
    {
        State.Clear();
        Reading = null;
        _known.TrySetResult();
    }
}

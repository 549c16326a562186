using WsServer.Wire;

namespace WsServer.Dispatch;

/// <summary>
/// The ids of a socket's events that are not answered yet. Nearly always there is one at most, which needs no set.
/// Guarded by its owner, of whose fields it is one: do not copy.
/// </summary>
internal struct PendingIds
{
    private PacketId _first;
    private HashSet<PacketId>? _others;

    /// <summary>False when it is pending already.</summary>
    public bool TryAdd(PacketId id)
    {
        if (_first == id)
        {
            return false;
        }

        if (_first.IsNone && _others is null or { Count: 0 })
        {
            _first = id;
            return true;
        }

        return (_others ??= []).Add(id);
    }

    public void Remove(PacketId id)
    {
        if (_first == id)
        {
            _first = default;
        }
        else
        {
            _others?.Remove(id);
        }
    }
}

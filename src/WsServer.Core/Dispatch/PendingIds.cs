using WsServer.Wire;

namespace WsServer.Dispatch;

/// <summary>The ids of a socket's events that are not answered yet. Nearly always there is one at most, which needs no set.</summary>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class PendingIds
{
    private PacketId _first;
    private HashSet<PacketId>? _others;

    /// <summary>False when it is pending already.</summary>
    public bool TryAdd(PacketId id)
    {
        lock (this)
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
    }

    public void Remove(PacketId id)
    {
        lock (this)
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
}

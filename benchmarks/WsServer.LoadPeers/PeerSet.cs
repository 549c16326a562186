namespace WsServer.LoadPeers;

/// <summary>Connections that get the same messages. Sending goes through an array that is made anew after a change.</summary>
internal sealed class PeerSet
{
    private readonly Lock _gate = new();
    private readonly HashSet<Peer> _peers = [];
    private Peer[]? _snapshot;
    private bool _isClosed;

    /// <summary>False if the set has been closed.</summary>
    public bool Add(Peer peer)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            _peers.Add(peer);
            _snapshot = null;
            return true;
        }
    }

    public void Remove(Peer peer)
    {
        lock (_gate)
        {
            _peers.Remove(peer);
            _snapshot = null;
        }
    }

    /// <summary>Removes, and closes the set if that was its last. True if it is closed.</summary>
    public bool RemoveAndClose(Peer peer)
    {
        lock (_gate)
        {
            _peers.Remove(peer);
            _snapshot = null;
            _isClosed |= _peers.Count == 0;
            return _isClosed;
        }
    }

    public void Send(ReadOnlyMemory<byte> message)
    {
        foreach (Peer peer in Snapshot())
        {
            peer.Send(message);
        }
    }

    private Peer[] Snapshot()
    {
        lock (_gate)
        {
            return _snapshot ??= [.. _peers];
        }
    }
}

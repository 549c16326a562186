using WsServer.Cluster;

namespace WsServer.Presence;

/// <summary>
/// The reading of all that another node has, page by page, beside what is known of it until then. It counts the changes
/// that come between pages, so that none is missed.
/// </summary>
internal sealed class PresenceReading(PresencePeer peer, long number)
{
    private readonly PresenceState _state = new(new PresenceViews());
    private long _version = -1;

    public PresencePeer Peer => peer;

    public long Number => number;

    public PresenceState State => _state;

    /// <summary>How many changes it has in it.</summary>
    public long Version => _version;

    /// <summary>Takes a change that has come between pages; false when one before it is missing. Under the gate.</summary>
    /// <exception cref="InvalidDataException">It cannot be understood.</exception>
    public bool TryApply(long version, WireReader content)
    {
        if (_version < 0 || version <= _version)
        {
            // The first page, which is yet to come, has it in it.
            return true;
        }

        if (version != _version + 1)
        {
            return false;
        }

        content.Apply(_state, peer.Id);
        _version = version;
        return true;
    }

    /// <summary>Takes a page; false when a change before it is missing. Under the gate.</summary>
    /// <param name="content">The page.</param>
    /// <param name="next">Where the next begins; -1 when this was the last.</param>
    /// <exception cref="InvalidDataException">It cannot be understood.</exception>
    public bool TryTake(WireReader content, out int next)
    {
        long version = content.Int64();
        long following = content.Int64();
        next = following is >= -1 and <= int.MaxValue ? (int)following : throw new InvalidDataException("A page of another node's sockets has no place.");
        if (_version >= 0 && version != _version)
        {
            return false;
        }

        _version = version;
        while (!content.IsAtEnd)
        {
            _state.Enter(content.ReadMember(peer.Id));
        }

        return true;
    }

    /// <summary>The answer to one request for a page.</summary>
    internal sealed class Page(PresencePeers peers, PresenceReading reading) : IReplies
    {
        private bool _hasCome;

        public void Open(int nodes)
        {
            // One is asked.
        }

        public void Part(string node, WireReader content)
        {
            _hasCome = true;
            peers.Take(reading, content);
        }

        public void Close(string node, bool isGone)
        {
            if (!_hasCome)
            {
                peers.GiveUp(reading);
            }
        }
    }
}

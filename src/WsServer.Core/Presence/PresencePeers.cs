using WsServer.Cluster;
using WsServer.Diagnostics;

namespace WsServer.Presence;

/// <summary>
/// Tells the other nodes what becomes of this one's sockets, and hears what becomes of theirs. Each change has a number; a
/// heartbeat has that of the last. Who finds that one is missing, or hears of a node for the first time, reads all that the
/// node has and goes on from there.
/// </summary>
internal sealed class PresencePeers
{
    private static readonly string[] Everybody = [Channels.All];

    private readonly ServerNode _node;
    private readonly ServerPresence _presence;
    private readonly EventRuntime _runtime;
    private readonly PresencePages _pages;
    private readonly Dictionary<string, PresencePeer> _peers = new(StringComparer.Ordinal);
    private long _version;
    private long _readings;

    public PresencePeers(ServerNode node, ServerPresence presence, PresenceState own, EventRuntime runtime)
    {
        _node = node;
        _presence = presence;
        _runtime = runtime;
        _pages = new PresencePages(own);
        node.Handle(MessageKind.Presence, Told);
        node.HeartbeatWord = Word;
        node.HeartbeatWordHeard = Heard;
        node.Left += Left;
    }

    /// <summary>Answers a node that reads all there is.</summary>
    public void Asked(NodeRequest request)
    {
        WireReader content = request.Content;
        long number = content.Int64();
        int from = content.Number();
        var page = new WireBuffer();
        lock (_presence.Gate)
        {
            // Under the gate up to the queue: what it says has its place in the order of changes.
            if (_pages.TryWrite(request.Sender, number, from, _version, page))
            {
                request.Part(page);
            }
            else
            {
                page.Dispose();
            }

            request.Done();
        }
    }

    /// <summary>Tells the others of a change; under the gate.</summary>
    public void Tell(PresenceWord word, PresenceMember member, string? room = null)
    {
        var content = new WireBuffer();
        content.Int64(++_version);
        content.Write(word, member, room);

        // Not sent, or lost: the next heartbeat shows that it is missing.
        _node.Send(MessageKind.Presence, Everybody, content);
    }

    /// <summary>Ends when all that the nodes have which are there is known, or they have had the time for it.</summary>
    public async Task WhenKnownAsync()
    {
        Task[] unknown;
        lock (_presence.Gate)
        {
            unknown = [.. _peers.Values.Select(p => p.Known).Where(k => !k.IsCompleted)];
        }

        if (unknown.Length > 0)
        {
            await Task.WhenAll(unknown).WaitAsync(_runtime.Options.Cluster.RequestTimeout, _runtime.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>A page has come.</summary>
    public void Take(PresenceReading reading, WireReader content)
    {
        lock (_presence.Gate)
        {
            PresencePeer peer = reading.Peer;
            if (peer.Reading != reading)
            {
                return;
            }

            if (!reading.TryTake(content, out int next))
            {
                Read(peer);
            }
            else if (next >= 0)
            {
                Ask(reading, next);
            }
            else
            {
                peer.Know(reading.State, reading.Version);
            }
        }
    }

    /// <summary>No page has come. The next heartbeat begins again.</summary>
    public void GiveUp(PresenceReading reading)
    {
        lock (_presence.Gate)
        {
            if (reading.Peer.Reading == reading)
            {
                reading.Peer.Reading = null;
            }
        }
    }

    private long Word()
    {
        lock (_presence.Gate)
        {
            return _version;
        }
    }

    private void Told(string sender, WireReader content)
    {
        long version = content.Int64();
        lock (_presence.Gate)
        {
            // Not from one that has not said who it is, or is gone: nobody would take its sockets out again.
            if (_peers.TryGetValue(sender, out PresencePeer? peer)
                && !(peer.Reading is { } reading ? reading.TryApply(version, content) : peer.TryApply(version, content)))
            {
                Read(peer);
            }
        }
    }

    private void Heard(string node, long word)
    {
        lock (_presence.Gate)
        {
            if (!_peers.TryGetValue(node, out PresencePeer? peer))
            {
                _peers[node] = peer = new PresencePeer(node, _presence.Views);
                if (word == 0)
                {
                    peer.Know(all: null, version: 0);
                }
            }

            if (peer.Version < word && peer.Reading is null)
            {
                Read(peer);
            }
        }
    }

    private void Left(ClusterMember gone)
    {
        lock (_presence.Gate)
        {
            _pages.Forget(gone.Id);
            if (_peers.Remove(gone.Id, out PresencePeer? peer))
            {
                peer.Gone();
            }
        }
    }

    private void Read(PresencePeer peer)
    {
        if (peer.Known.IsCompleted)
        {
            _runtime.Logger.PresenceMissed(peer.Id);
        }

        peer.Reading = new PresenceReading(peer, ++_readings);
        Ask(peer.Reading, from: 0);
    }

    private void Ask(PresenceReading reading, int from)
    {
        Requests.Pending? pending = _node.AskNode(
            reading.Peer.Id,
            RequestKind.Presence,
            content =>
            {
                content.Int64(reading.Number);
                content.Number(from);
            },
            new PresenceReading.Page(this, reading));
        if (pending is null)
        {
            reading.Peer.Reading = null;
            return;
        }

        _ = WaitAsync(pending, reading);
    }

    private async Task WaitAsync(Requests.Pending pending, PresenceReading reading)
    {
        if (!await _node.WaitAsync(pending, _runtime.Options.Cluster.RequestTimeout).ConfigureAwait(false))
        {
            _runtime.Metrics.BackplaneTimeout();
            _runtime.Logger.PresenceUnanswered(reading.Peer.Id);
            GiveUp(reading);
        }
    }
}

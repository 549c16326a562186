using System.Collections.Concurrent;
using WsServer.Recovery;

namespace WsServer.Cluster;

/// <summary>What of sessions goes from node to node: what the parts of it share.</summary>
internal sealed class SessionMoves
{
    // Numbers that the node which gives may go on by while it is asked; more each time that was too few.
    private const long Margin = 4096;
    private const int Attempts = 4;

    private readonly ServerNode _node;
    private readonly NamespaceTable _namespaces;
    private readonly EventRuntime _runtime;
    private readonly ConcurrentDictionary<string, bool> _coming = new(StringComparer.Ordinal);

    private SessionMoves(ServerNode node, NamespaceTable namespaces, EventRuntime runtime)
    {
        _node = node;
        _namespaces = namespaces;
        _runtime = runtime;
    }

    public static SessionMoves Serve(ServerNode node, NamespaceTable namespaces, EventRuntime runtime)
    {
        var moves = new SessionMoves(node, namespaces, runtime);
        node.Handle(RequestKind.Session, new SessionDesk(node, namespaces, moves, runtime).Asked);
        runtime.Recovery.RoomInterest = moves.SetInterest;
        return moves;
    }

    public SessionPull Pull(EventSocket socket, SocketRecovery recovery) => new(_node, _namespaces, this, _runtime, socket, recovery);

    public SessionHandOver HandOver() => new(_node, _runtime);

    /// <summary>Whether a session is on its way here: whoever else looks for it asks again.</summary>
    public bool IsComing(string session) => _coming.TryGetValue(session, out bool isUnderWay) && isUnderWay;

    /// <summary>One at a time may bring a session here; false when another does.</summary>
    /// <param name="session">The session.</param>
    /// <param name="isUnderWay">Whether it is known where it is, so that nobody else finds it there.</param>
    public bool TryBegin(string session, bool isUnderWay = false) => _coming.TryAdd(session, isUnderWay);

    public void SetUnderWay(string session) => _coming[session] = true;

    public void End(string session) => _coming.TryRemove(session, out _);

    /// <summary>Wants the events of these rooms here, and waits until they come.</summary>
    public async Task<RoomHold> HoldAsync(string ns, string[] rooms)
    {
        var hold = new RoomHold(this, ns, rooms);
        await _node.Interest.WhenReady(_node.Channels.OfNamespace(ns)).ConfigureAwait(false);
        await _node.Interest.WhenReady(_node.Channels, ns, rooms).ConfigureAwait(false);
        return hold;
    }

    /// <summary>Has another node give what it has; null when it does not.</summary>
    /// <param name="ns">The namespace.</param>
    /// <param name="node">The other node.</param>
    /// <param name="position">Where the numbers there stand.</param>
    /// <param name="ask">Writes the request, given below which number.</param>
    /// <param name="arrive">Takes up what is given, and behind which number this node has logged for it.</param>
    public async Task<Departure> TakeAsync(EventNamespace ns, string node, long position, Action<WireBuffer, long> ask, Action<MovedSockets, long> arrive)
    {
        for (int attempt = 1; attempt <= Attempts; attempt++)
        {
            long from = await ns.Recovery.BeginArrivalAsync(position + (Margin << (2 * attempt))).ConfigureAwait(false);
            try
            {
                // The other answers at once. If its answer is long under way there is still nobody else who has what is in
                // it, so that it is waited for as long as it is of use; unless the other is gone.
                var reply = new GatheredReply();
                if (_node.AskNode(node, RequestKind.Session, content => ask(content, from), reply) is { } pending)
                {
                    // One that has gone before it was asked does not go again.
                    TimeSpan timeout = _node.Nodes.Has(node) ? _runtime.Options.RecoveryWindow : TimeSpan.Zero;
                    await _node.WaitAsync(pending, timeout).ConfigureAwait(false);
                }

                if (reply.Content is not { IsEmpty: false } answer)
                {
                    return Departure.Gone;
                }

                var content = new WireReader(answer, _runtime.Names);
                var departure = (Departure)content.Byte();
                if (departure == Departure.Given)
                {
                    arrive(MovedSocketsForm.Read(ref content), from);
                }

                if (departure != Departure.Ahead)
                {
                    return departure;
                }

                position = from;
            }
            finally
            {
                ns.Recovery.EndArrival();
            }
        }

        return Departure.Gone;
    }

    private void SetInterest(string ns, string room, bool isWanted)
    {
        if (Channels.IsSid(room) && Channels.NodeOf(room).SequenceEqual(_node.Id))
        {
            // Whoever emits to it publishes to this node's own channel.
            return;
        }

        string channel = _node.Channels.OfRoom(ns, room);
        if (isWanted)
        {
            _node.Interest.Add(channel);
        }
        else
        {
            _node.Interest.Remove(channel);
        }
    }

    /// <summary>Rooms whose events are wanted until it is disposed of.</summary>
    internal readonly struct RoomHold : IDisposable
    {
        private readonly SessionMoves _moves;
        private readonly string _namespace;
        private readonly string[] _rooms;

        public RoomHold(SessionMoves moves, string ns, string[] rooms)
        {
            (_moves, _namespace, _rooms) = (moves, ns, rooms);
            Array.ForEach(rooms, room => moves.SetInterest(ns, room, true));
        }

        public void Dispose()
        {
            foreach (string room in _rooms)
            {
                _moves.SetInterest(_namespace, room, false);
            }
        }
    }
}

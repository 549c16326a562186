using System.Text.Json;
using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>What a client that lags has missed since it was last told, by namespace.</summary>
internal sealed class MissedEvents
{
    // So that what it is told stays short, whatever names events have.
    private const int MostNames = 8;

    private readonly List<OfNamespace> _namespaces = new(1);

    /// <summary>One more was dropped.</summary>
    public void Add(DropTerms terms)
    {
        foreach (OfNamespace missed in _namespaces)
        {
            if (missed.Name == terms.Namespace)
            {
                missed.Add(terms.Event);
                return;
            }
        }

        var first = new OfNamespace(terms.Namespace);
        first.Add(terms.Event);
        _namespaces.Add(first);
    }

    /// <summary>What the client is told: an event for each namespace.</summary>
    public IEnumerable<Packet> ToPackets() => _namespaces.Select(n => n.ToPacket());

    /// <summary>How many in each namespace.</summary>
    public IEnumerable<(string Namespace, long Count)> Counts => _namespaces.Select(n => (n.Name, n.Count));

    private sealed class OfNamespace(string name)
    {
        private readonly List<(string Event, long Count)> _events = new(1);

        public string Name => name;

        public long Count { get; private set; }

        public void Add(string @event)
        {
            Count++;
            for (int i = 0; i < _events.Count; i++)
            {
                if (_events[i].Event == @event)
                {
                    _events[i] = (@event, _events[i].Count + 1);
                    return;
                }
            }

            if (_events.Count < MostNames)
            {
                _events.Add((@event, 1));
            }
        }

        public Packet ToPacket()
        {
            using JsonScratch scratch = JsonScratch.Rent();
            Utf8JsonWriter writer = scratch.Writer;
            writer.WriteStartObject();
            writer.WriteNumber("count"u8, Count);
            writer.WriteStartObject("events"u8);
            foreach ((string @event, long count) in _events)
            {
                writer.WriteNumber(@event, count);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
            return new Packet(PacketKind.Event) { Namespace = name, Event = ReservedNames.Lagged, Arguments = new JsonArguments(scratch.Finish().ToArray(), 1) };
        }
    }
}

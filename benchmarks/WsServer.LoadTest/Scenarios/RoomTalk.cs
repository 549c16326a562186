using System.Diagnostics;
using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Rooms of ten, in each of which the members talk in turn.</summary>
/// <param name="connections">How many connections there are.</param>
/// <param name="spread">How they are spread over nodes.</param>
internal sealed class RoomTalk(int connections, Spread spread = Spread.OneNode)
    : LoadScenario(spread.NameOf("rooms"), spread.GroupOf("rooms"), connections)
{
    public override string Description => string.Create(
        CultureInfo.InvariantCulture, $"{Connections} connections in rooms of {SmallRooms.Members}, one message under way in each room{spread.Describe()}; a message is one delivery");

    protected override string Kind => "rooms";

    protected override void Place(LoadClient client) => client.NodeOf = spread.NodeOf(client.Nodes);

    protected override Load Prepare(Session session) => new RoomLoad(session, SmallRooms.Join(session.Client, Connections));

    private sealed class RoomLoad : PacedLoad
    {
        // As many messages may a room have. Each has numbers of its own, so that a message in the wrong room is found out.
        private const int NumbersOfRoom = 1_000_000;

        private readonly LoadClient _client;
        private readonly ExpectedMessage _expected;
        private readonly Room[] _rooms;

        public RoomLoad(Session session, IReadOnlyList<Connection[]> rooms)
            : base(session.Client)
        {
            _client = session.Client;
            string json = Payload.Json(Payload.DefaultLength);
            _expected = new ExpectedMessage(_client.Dialect.Received("toRoom", json));
            _rooms = new Room[rooms.Count];
            long first = session.TakeNumbers((long)_rooms.Length * NumbersOfRoom);
            for (int i = 0; i < _rooms.Length; i++)
            {
                _rooms[i] = new Room(rooms[i], SmallRooms.MessageTo(i, _client, json));
                foreach (Connection member in _rooms[i].Members)
                {
                    member.Room = i;
                    member.Next = first + ((long)i * NumbersOfRoom);
                }
            }
        }

        public override bool IsDrained => Array.TrueForAll(_rooms, r => r.Missing == 0);

        public override void Begin()
        {
            foreach (Room room in _rooms)
            {
                Send(room);
            }
        }

        public override void Received(Connection connection, ReadOnlySpan<byte> message, long now)
        {
            if (!_expected.Matches(message, connection.Next))
            {
                _client.TakeOther(connection, message, _expected.Describe(connection.Next));
                return;
            }

            Room room = _rooms[connection.Room];
            connection.Next++;
            Count(now - room.SentAt);
            if (--room.Missing == 0 && !IsStopping)
            {
                Send(room);
            }
        }

        private void Send(Room room)
        {
            Connection sender = room.Members[room.Turn];
            room.Turn = (room.Turn + 1) % room.Members.Length;
            room.Missing = room.Members.Length;
            room.SentAt = Stopwatch.GetTimestamp();
            _client.Send(sender, room.Outgoing.With(sender.Next));
        }
    }

    private sealed class Room(Connection[] members, OutgoingMessage outgoing)
    {
        public Connection[] Members => members;

        public OutgoingMessage Outgoing => outgoing;

        public int Turn { get; set; }

        public int Missing { get; set; }

        public long SentAt { get; set; }
    }
}

using System.Diagnostics;
using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Rooms of ten, in each of which the members talk in turn.</summary>
internal sealed class RoomTalk(int connections) : PacedScenario("rooms", "rooms", connections)
{
    private const int Members = 10;

    public override string Description => string.Create(
        CultureInfo.InvariantCulture, $"{Connections} connections in rooms of {Members}, one message under way in each room; a message is one delivery");

    protected override string Kind => "rooms";

    protected override PacedLoad Prepare(Session session)
    {
        Connection[] connections = [.. session.Client.Connections.Take(Connections)];
        Joining.Join(session.Client, connections, c => RoomName(c.Index / Members));
        return new RoomLoad(session, connections);
    }

    private static string RoomName(int room) => string.Create(CultureInfo.InvariantCulture, $"room-{room}");

    private sealed class RoomLoad : PacedLoad
    {
        // As many messages may a room have. Each has numbers of its own, so that a message in the wrong room is found out.
        private const int NumbersOfRoom = 1_000_000;

        private readonly LoadClient _client;
        private readonly ExpectedMessage _expected;
        private readonly Room[] _rooms;

        public RoomLoad(Session session, IReadOnlyList<Connection> connections)
        {
            _client = session.Client;
            string json = Payload.Json(Payload.DefaultLength);
            _expected = new ExpectedMessage(_client.Dialect.Received("toRoom", json));
            _rooms = new Room[connections.Count / Members];
            long first = session.TakeNumbers((long)_rooms.Length * NumbersOfRoom);
            for (int i = 0; i < _rooms.Length; i++)
            {
                string text = _client.Dialect.Event("toRoom", $$"""{"room":"{{RoomName(i)}}","msg":{{json}}}""");
                _rooms[i] = new Room([.. connections.Skip(i * Members).Take(Members)], new OutgoingMessage(text));
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
            room.Turn = (room.Turn + 1) % Members;
            room.Missing = Members;
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

using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Measuring;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Connections that come, join a room, and go.</summary>
internal sealed class ConnectRate(int connections) : Scenario("connect", "connect", connections)
{
    private const int UnderWay = 100;
    private const int Rooms = 500;

    public override string Unit => "µs of CPU time for each connection";

    public override string Description => string.Create(
        CultureInfo.InvariantCulture, $"{Connections} connections that connect, join a room and close, at most {UnderWay} under way");

    public override Measurement Measure(Session session, Timing timing)
    {
        LoadClient client = session.Client;
        client.AddPlaces(Math.Min(UnderWay, Connections));
        Run(new Visits(client, Connections / 4));
        var visits = new Visits(client, Connections);
        var meter = new Meter(session);
        Run(visits);
        Measurement measurement = meter.Stop(visits.Done, visits.Latencies);
        return measurement with
        {
            Details = new Dictionary<string, double> { ["connectionsPerSecond"] = visits.Done / measurement.Seconds },
        };

        void Run(Visits visits)
        {
            client.Receiver = visits;
            visits.Begin();
            Loop.Until(client, () => visits.Done == visits.Count, () => visits.Done, "connections have come and gone");
            client.Receiver = new Silence(client);
        }
    }

    private sealed class Visits : Receiver
    {
        private readonly LoadClient _client;
        private readonly byte[][] _joins;
        private int _started;

        public Visits(LoadClient client, int count)
        {
            _client = client;
            Count = count;
            _joins = [.. Enumerable.Range(0, Rooms).Select(i => Joining.WriteFrame(client, string.Create(CultureInfo.InvariantCulture, $"room-{i}")))];
        }

        public int Count { get; }

        public int Done { get; private set; }

        /// <summary>From the connect to the ack of the join.</summary>
        public Histogram Latencies { get; } = new();

        public void Begin()
        {
            foreach (Connection connection in _client.Connections.Take(Count))
            {
                Start(connection);
            }
        }

        public override void Opened(Connection connection) => _client.Send(connection, _joins[connection.Room]);

        public override void Received(Connection connection, ReadOnlySpan<byte> message, long now)
        {
            if (!_client.Dialect.IsAck(message))
            {
                _client.TakeOther(connection, message, "an ack");
                return;
            }

            Latencies.Add(now - connection.SentAt);
            connection.Next = 1;
            _client.BeginClose(connection);
        }

        public override void Closed(Connection connection, string reason)
        {
            if (connection.Next == 0)
            {
                base.Closed(connection, reason);
            }

            Done++;
            if (_started < Count)
            {
                Start(connection);
            }
        }

        private void Start(Connection connection)
        {
            // Next is 1 once the room is joined.
            connection.Next = 0;
            connection.Room = _started % Rooms;
            _client.Start(connection, _started);
            _started++;
        }
    }
}

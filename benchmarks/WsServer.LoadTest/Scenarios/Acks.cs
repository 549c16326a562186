using System.Diagnostics;
using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Each connection has one event under way and waits for its ack.</summary>
internal sealed class Acks(int connections)
    : LoadScenario(string.Create(CultureInfo.InvariantCulture, $"ack-{connections}"), "load", connections)
{
    public override string Description =>
        string.Create(CultureInfo.InvariantCulture, $"each of {Connections} connections has one echo under way; a message is one ack");

    protected override string Kind => "ack";

    protected override Load Prepare(Session session) => new AckLoad(session, [.. session.Client.Connections.Take(Connections)]);

    private sealed class AckLoad : PacedLoad
    {
        private readonly LoadClient _client;
        private readonly IReadOnlyList<Connection> _connections;
        private readonly OutgoingMessage _outgoing;
        private readonly ExpectedMessage _expected;
        private int _waiting;

        public AckLoad(Session session, IReadOnlyList<Connection> connections)
            : base(session.Client)
        {
            _client = session.Client;
            _connections = connections;
            string json = Payload.Json(Payload.DefaultLength);
            _outgoing = new OutgoingMessage(_client.Dialect.EventWithAck("echo", json));
            _expected = new ExpectedMessage(_client.Dialect.Ack(json));
            long first = session.TakeNumbers(10_000_000);
            foreach (Connection connection in connections)
            {
                connection.Next = first;
            }
        }

        public override bool IsDrained => _waiting == 0;

        public override void Begin()
        {
            foreach (Connection connection in _connections)
            {
                Send(connection);
            }
        }

        public override void Received(Connection connection, ReadOnlySpan<byte> message, long now)
        {
            if (!_expected.Matches(message, connection.Next))
            {
                _client.TakeOther(connection, message, _expected.Describe(connection.Next));
                return;
            }

            connection.Next++;
            _waiting--;
            Count(now - connection.SentAt);
            if (!IsStopping)
            {
                Send(connection);
            }
        }

        private void Send(Connection connection)
        {
            _waiting++;
            connection.SentAt = Stopwatch.GetTimestamp();
            _client.Send(connection, _outgoing.With(connection.Next));
        }
    }
}

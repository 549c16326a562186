using System.Diagnostics;
using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>One connection broadcasts to all.</summary>
/// <param name="connections">How many there are.</param>
/// <param name="burst">How many broadcasts are under way: sent in one write, and again when all of them have come back to their sender.</param>
internal sealed class FanOut(int connections, int burst)
    : LoadScenario(string.Create(CultureInfo.InvariantCulture, $"fanout-{connections}-{burst}"), "load", connections)
{
    public override string Description =>
        string.Create(CultureInfo.InvariantCulture, $"one of {Connections} connections broadcasts to all, {burst} under way; a message is one delivery");

    protected override string Kind => string.Create(CultureInfo.InvariantCulture, $"fanout-{burst}");

    protected override Load Prepare(Session session) =>
        new FanOutLoad(session, [.. session.Client.Connections.Take(Connections)], burst, Payload.DefaultLength);
}

/// <summary>Broadcasts of one sender, the last of the receivers.</summary>
internal class FanOutLoad : PacedLoad
{
    private const int RememberedTimes = 1 << 16;

    private readonly LoadClient _client;
    private readonly OutgoingMessage _outgoing;
    private readonly ExpectedMessage _expected;
    private readonly byte[] _frames;
    private readonly int _burst;
    private readonly int _receivers;
    private readonly long[] _sentAt = new long[RememberedTimes];
    private long _outstanding;

    public FanOutLoad(Session session, IReadOnlyList<Connection> receivers, int burst, int payloadLength)
        : base(session.Client)
    {
        _client = session.Client;
        _burst = burst;
        string json = Payload.Json(payloadLength);
        _outgoing = new OutgoingMessage(_client.Dialect.Event("broadcast", json));
        _expected = new ExpectedMessage(_client.Dialect.Received("broadcast", json));
        _frames = new byte[_outgoing.Length * burst];
        NextToSend = session.TakeNumbers(10_000_000);
        _receivers = receivers.Count;
        Sender = receivers[^1];
        foreach (Connection receiver in receivers)
        {
            receiver.Next = NextToSend;
        }
    }

    public override bool IsDrained => _outstanding == 0;

    protected Connection Sender { get; }

    /// <summary>The number of the next broadcast.</summary>
    protected long NextToSend { get; private set; }

    public override void Begin()
    {
        for (int i = 0; i < _burst; i++)
        {
            _outgoing.With(NextToSend + i).CopyTo(_frames.AsSpan(i * _outgoing.Length));
        }

        long now = Stopwatch.GetTimestamp();
        for (int i = 0; i < _burst; i++)
        {
            _sentAt[(NextToSend + i) % RememberedTimes] = now;
        }

        NextToSend += _burst;
        _outstanding += (long)_burst * _receivers;
        _client.Send(Sender, _frames);
    }

    public override void Received(Connection connection, ReadOnlySpan<byte> message, long now)
    {
        if (!_expected.Matches(message, connection.Next))
        {
            _client.TakeOther(connection, message, _expected.Describe(connection.Next));
            return;
        }

        long latency = now - _sentAt[connection.Next % RememberedTimes];
        connection.Next++;
        Delivery(connection, latency);
        if (connection == Sender && connection.Next == NextToSend && !IsStopping)
        {
            Begin();
        }
    }

    /// <summary>Counts a message that has come and was the right one.</summary>
    protected virtual void Delivery(Connection connection, long latency)
    {
        _outstanding--;
        Count(latency);
    }
}

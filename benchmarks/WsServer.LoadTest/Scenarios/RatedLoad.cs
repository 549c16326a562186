using System.Diagnostics;
using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Measuring;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Where some of a load's messages go, in order: from one sender to all receivers.</summary>
/// <param name="Outgoing">What is sent.</param>
/// <param name="Sender">Always the same: messages of two senders may overtake each other.</param>
/// <param name="Receivers">Each belongs to this lane alone.</param>
internal sealed record Lane(OutgoingMessage Outgoing, Connection Sender, IReadOnlyList<Connection> Receivers);

/// <summary>
/// An open loop: messages are sent by a schedule, evenly spaced and round robin over the lanes, whatever the server
/// does. The latency counts from the moment when a message was due, so waiting because the client was late is in it.
/// </summary>
internal sealed class RatedLoad : Load
{
    // Who is further behind will not catch up, and what a server has not taken would fill the client's memory.
    private static readonly TimeSpan MaxBehind = TimeSpan.FromSeconds(2);

    private readonly LoadClient _client;
    private readonly int _rate;
    private readonly IReadOnlyList<Lane> _lanes;
    private readonly ExpectedMessage _expected;
    private readonly Histogram _delays = new();
    private readonly long _maxOutstanding;
    private readonly long _firstNumber;
    private long _nextToSend;
    private long _runNumber;
    private long _runStarted;
    private long _outstanding;

    /// <param name="session">The server and its clients.</param>
    /// <param name="rate">How many are sent in a second.</param>
    /// <param name="lanes">Where they go; all have the same number of receivers.</param>
    /// <param name="expected">What each receiver has to get.</param>
    public RatedLoad(Session session, int rate, IReadOnlyList<Lane> lanes, ExpectedMessage expected)
    {
        _client = session.Client;
        _rate = rate;
        _lanes = lanes;
        _expected = expected;
        _maxOutstanding = (long)(MaxBehind.TotalSeconds * rate * lanes[0].Receivers.Count);
        _firstNumber = session.TakeNumbers(10_000_000);
        _nextToSend = _firstNumber;

        // The numbers go round with the lanes, so that one in the wrong lane is found out and each tells when it was due.
        for (int i = 0; i < lanes.Count; i++)
        {
            foreach (Connection receiver in lanes[i].Receivers)
            {
                receiver.Next = _firstNumber + i;
            }
        }
    }

    public override bool IsDrained => _outstanding == 0;

    /// <summary>How late the client was itself, in µs: a latency that is not much longer says little of the server.</summary>
    public override IReadOnlyDictionary<string, double> Details =>
        _delays.Percentile(0.99) is { } delay ? new Dictionary<string, double> { ["sentLateP99"] = delay } : base.Details;

    public override void Restart()
    {
        base.Restart();
        _delays.Clear();
    }

    public override void Run(TimeSpan time)
    {
        _runNumber = _nextToSend;
        _runStarted = Stopwatch.GetTimestamp();
        long end = _nextToSend + (long)(time.TotalSeconds * _rate);
        while (_nextToSend < end)
        {
            // What becomes due meanwhile has to wait until something was received.
            long now = Stopwatch.GetTimestamp();
            ThrowIfBehind(now);
            while (_nextToSend < end && DueAt(_nextToSend) <= now)
            {
                SendNext();
            }

            _client.Turn(GetTimeoutMs(DueAt(_nextToSend) - Stopwatch.GetTimestamp()));
        }
    }

    public override void Received(Connection connection, ReadOnlySpan<byte> message, long now)
    {
        if (!_expected.Matches(message, connection.Next))
        {
            _client.TakeOther(connection, message, _expected.Describe(connection.Next));
            return;
        }

        long latency = now - DueAt(connection.Next);
        connection.Next += _lanes.Count;
        _outstanding--;
        Count(latency);
    }

    // epoll_wait counts in milliseconds and wakes up late rather than early, so the last one before a message is polled away.
    private static int GetTimeoutMs(long ticks) => (int)Math.Max(0, (ticks * 1000 / Stopwatch.Frequency) - 1);

    private void ThrowIfBehind(long now)
    {
        if (_outstanding > _maxOutstanding)
        {
            throw new LoadException(string.Create(
                CultureInfo.InvariantCulture,
                $"The server cannot keep up with {_rate:N0} messages a second: {_outstanding:N0} deliveries are missing, those of more than {MaxBehind.TotalSeconds} s."));
        }

        if (now - DueAt(_nextToSend) > MaxBehind.TotalSeconds * Stopwatch.Frequency)
        {
            throw new LoadException(string.Create(
                CultureInfo.InvariantCulture,
                $"The client cannot keep up with {_rate:N0} messages a second, or the server leaves it no time: it is more than {MaxBehind.TotalSeconds} s late."));
        }
    }

    private long DueAt(long number) => _runStarted + ((number - _runNumber) * Stopwatch.Frequency / _rate);

    private void SendNext()
    {
        Lane lane = _lanes[(int)((_nextToSend - _firstNumber) % _lanes.Count)];
        _delays.Add(Stopwatch.GetTimestamp() - DueAt(_nextToSend));
        _outstanding += lane.Receivers.Count;
        _client.Send(lane.Sender, lane.Outgoing.With(_nextToSend));
        _nextToSend++;
    }
}

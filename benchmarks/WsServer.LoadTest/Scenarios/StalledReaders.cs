using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Measuring;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Broadcasts at a fixed rate to clients that read, without and with as many that have stopped reading for good.</summary>
internal sealed class StalledReaders(int readers, int stalled, int rate)
    : Scenario(string.Create(CultureInfo.InvariantCulture, $"stalled-{stalled}"), "stalled", readers + stalled)
{
    private const int PayloadLength = 2000;

    // What the stalled ones leave unread fills the kernel's buffers, which are small for them, and 1 MiB of the server's.
    private const int FillBytes = 3 * 512 * 1024;

    public override bool IsOnRequest => true;

    public override string Description => string.Create(
        CultureInfo.InvariantCulture,
        $"{rate} broadcasts of {PayloadLength} bytes a second to {readers} clients that read and {stalled} that have stopped; a message is a delivery to one that reads");

    public override Measurement Measure(Session session, Timing timing)
    {
        LoadClient client = session.Client;
        client.OpenUpTo(readers);
        Connection[] reading = [.. client.Connections.Take(readers)];
        string json = Payload.Json(PayloadLength);
        var lane = new Lane(new OutgoingMessage(session.Kind.Dialect.Event("broadcast", json)), reading[^1], reading);
        var load = new RatedLoad(session, rate, [lane], new ExpectedMessage(session.Kind.Dialect.Received("broadcast", json)));
        var receiver = new Readers(load);
        client.Receiver = receiver;

        // Alone, to compare with.
        Drive(client, load, session.GetWarmUp(Name, timing));
        load.Restart();
        Drive(client, load, timing.RatedWindow);
        double? p50Alone = load.Latencies.Percentile(0.5), p99Alone = load.Latencies.Percentile(0.99);
        session.Control.TryCollect();
        long before = session.Server.ResidentBytes;

        client.OpenUpTo(readers + stalled, isSlow: true);
        foreach (Connection connection in client.Connections.Skip(readers))
        {
            client.SetReading(connection, isReading: false);
        }

        client.Receiver = receiver;
        Drive(client, load, TimeSpan.FromSeconds(timing == Timing.Full ? (double)FillBytes / PayloadLength / rate : 1));
        load.Restart();
        var meter = new Meter(session);
        Drive(client, load, timing.RatedWindow);
        long growth = session.Server.ResidentBytes - before;
        Measurement measurement = meter.Stop(load.Delivered, load.Latencies);
        session.Control.TryCollect();
        return measurement with
        {
            Details = new Dictionary<string, double>(load.Details)
            {
                ["p50Alone"] = p50Alone ?? 0,
                ["p99Alone"] = p99Alone ?? 0,
                ["residentBytesGrowth"] = growth,
                ["residentBytesGrowthCollected"] = session.Server.ResidentBytes - before,
                ["stalledPutOut"] = receiver.PutOut,
            },
        };
    }

    private static void Drive(LoadClient client, RatedLoad load, TimeSpan time)
    {
        load.Run(time);
        Loop.Until(client, () => load.IsDrained, () => load.Delivered, "messages have come");
    }

    /// <summary>The load of those that read; the others may go.</summary>
    private sealed class Readers(RatedLoad load) : Receiver
    {
        /// <summary>How many of those that do not read the server has put out.</summary>
        public int PutOut { get; private set; }

        public override void Received(Connection connection, ReadOnlySpan<byte> message, long now)
        {
            // What is still read from a connection that the server has broken is of no interest.
            if (!connection.IsSlow)
            {
                load.Received(connection, message, now);
            }
        }

        public override void Closed(Connection connection, string reason)
        {
            if (!connection.IsSlow)
            {
                load.Closed(connection, reason);
            }

            PutOut++;
        }
    }
}

using System.Diagnostics;
using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Measuring;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Broadcasts while every tenth connection does not read.</summary>
internal sealed class SlowReaders(int connections, int broadcasts) : Scenario("slow", "slow", connections)
{
    // Long enough that what the slow ones leave unread does not fit into the kernel's buffers.
    private const int PayloadLength = 2000;

    // A server whose broadcasts wait for the slowest (SignalR does, up to 10 s for each) would otherwise take minutes.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(8);

    public override string Description => string.Create(
        CultureInfo.InvariantCulture,
        $"up to {broadcasts} broadcasts of {PayloadLength} bytes to {Connections} connections, of which every tenth does not read; a message is a delivery to one that does");

    public override Measurement Measure(Session session, Timing timing)
    {
        LoadClient client = session.Client;
        int fast = Connections - (Connections / 10);
        client.OpenUpTo(fast);
        client.OpenUpTo(Connections, isSlow: true);
        Connection[] slow = [.. client.Connections.Skip(fast)];
        var load = new SlowLoad(session, [.. slow, .. client.Connections.Take(fast)], slow.Length);
        client.Receiver = load;

        load.Begin();
        Loop.For(client, session.GetWarmUp("slow", timing));
        load.IsStopping = true;
        Loop.Until(client, () => load.IsDrained, () => load.Delivered, "messages have come");

        foreach (Connection connection in slow)
        {
            client.SetReading(connection, isReading: false);
        }

        long before = session.Server.ResidentBytes;
        load.Restart();
        load.BeginCounted(broadcasts);
        var meter = new Meter(session);
        load.Begin();
        long started = Stopwatch.GetTimestamp();
        Loop.Until(
            client,
            () =>
            {
                if (!load.IsStopping && Stopwatch.GetElapsedTime(started) > Limit)
                {
                    load.EndCounted();
                }

                return load.IsFastDone;
            },
            () => load.Delivered,
            "messages have come to those who read");
        Measurement measurement = meter.Stop(load.Delivered, load.Latencies);
        long growth = session.Server.ResidentBytes - before;

        foreach (Connection connection in slow.Where(c => c.State == ConnectionState.Ready))
        {
            client.SetReading(connection, isReading: true);
        }

        Loop.Until(client, () => load.Settled == slow.Length, () => load.SlowDelivered, "messages have come to those who did not read");
        Silence.Listen(client);
        return measurement with
        {
            Details = new Dictionary<string, double>
            {
                ["broadcasts"] = load.Broadcasts,
                ["residentBytesGrowth"] = growth,
                ["slowReaders"] = slow.Length,
                ["slowCaughtUp"] = load.CaughtUp,
                ["slowDisconnected"] = load.Disconnected,
            },
        };
    }

    /// <summary>A fan-out that counts the slow ones for themselves.</summary>
    private sealed class SlowLoad(Session session, IReadOnlyList<Connection> receivers, int slow)
        : FanOutLoad(session, receivers, burst: 1, PayloadLength)
    {
        private readonly int _fast = receivers.Count - slow;
        private long _begun;
        private long _last;

        public int Disconnected { get; private set; }

        /// <summary>How many slow ones have got everything, in order.</summary>
        public int CaughtUp { get; private set; }

        /// <summary>How many slow ones have got everything or are gone.</summary>
        public int Settled => CaughtUp + Disconnected;

        public long SlowDelivered { get; private set; }

        /// <summary>How many are counted.</summary>
        public long Broadcasts => _last - _begun;

        public bool IsFastDone => IsStopping && Delivered == _fast * Broadcasts;

        /// <summary>Ends by itself after a number of broadcasts.</summary>
        public void BeginCounted(int broadcasts)
        {
            _begun = NextToSend;
            _last = NextToSend + broadcasts;
            IsStopping = false;
        }

        /// <summary>Sends no more than have been sent.</summary>
        public void EndCounted()
        {
            _last = NextToSend;
            IsStopping = true;
        }

        public override void Closed(Connection connection, string reason)
        {
            if (!connection.IsSlow)
            {
                base.Closed(connection, reason);
            }

            if (connection.Next < _last)
            {
                Disconnected++;
            }
        }

        protected override void Delivery(Connection connection, long latency)
        {
            if (_last == 0)
            {
                base.Delivery(connection, latency);
                return;
            }

            if (!connection.IsSlow)
            {
                base.Delivery(connection, latency);
                IsStopping |= connection == Sender && connection.Next == _last;
            }
            else
            {
                SlowDelivered++;
                if (connection.Next == _last)
                {
                    CaughtUp++;
                }
            }
        }
    }
}

using System.Diagnostics.Metrics;
using FluentAssertions;
using Microsoft.Extensions.Logging.Abstractions;
using WsServer.Connections;
using WsServer.Diagnostics;
using WsServer.Tests.Support;
using WsServer.Tests.Wire;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Connections;

/// <summary>What becomes of an outbox that is held, when others post to it or it is full. No test awaits while a gathering is open.</summary>
public sealed class HeldOutboxTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly TransportPair _transport = new();

    [Fact]
    public void What_another_threads_gathering_posts_leaves_with_that_one_at_the_latest()
    {
        Outbox outbox = Make(_transport);
        Gathered(() =>
        {
            outbox.Post(Event(1));
            OwnThread.Run(() => Gathered(() => outbox.Post(Event(2))));
            Sent(_transport).Should().Equal([1, 2], "this thread may be stuck in a handler");
        });
    }

    [Fact]
    public void A_client_that_keeps_up_is_not_put_out_by_what_is_held_for_it()
    {
        Outbox outbox = Make(_transport, maxBytes: 100);
        Gathered(() =>
        {
            for (int i = 0; i < 20; i++)
            {
                outbox.Post(Event(i)).Should().BeTrue();
            }
        });
        outbox.IsCompleted.Should().BeFalse();
        Sent(_transport).Should().Equal(Enumerable.Range(0, 20));
    }

    [Fact]
    public void No_volatile_event_is_dropped_for_a_client_that_keeps_up()
    {
        Outbox outbox = Make(_transport, maxBytes: 100);
        Gathered(() =>
        {
            for (int i = 0; i < 20; i++)
            {
                using OutgoingPacket packet = OutgoingPacket.Rent(Event(i));
                outbox.Post(packet, isVolatile: true).Should().BeTrue();
            }
        });
        Sent(_transport).Should().Equal(Enumerable.Range(0, 20));
    }

    [Fact]
    public async Task A_client_that_does_not_keep_up_is_put_out_within_a_gathering_and_told_so()
    {
        Outbox outbox = Make(_transport, maxBytes: 100);
        _transport.StopReading();
        Gathered(() =>
        {
            int posted = 0;
            while (posted < 1_000 && outbox.Post(Event(10)))
            {
                posted++;
            }

            posted.Should().BeInRange(1, 999);
        });
        (await outbox.Completed.WaitAsync(TransportPair.Patience)).Should().Be(Closing.SlowConsumer);
        _transport.GoOnReading();
        (await _transport.Goodbye).Should().Be(new TransportClose(1008, "slow_consumer"));
        await outbox.Finished.WaitAsync(TransportPair.Patience);
    }

    public void Dispose() => _services.Dispose();

    private static void Gathered(Action action)
    {
        Gathering gathering = Gathering.Open();
        try
        {
            action();
        }
        finally
        {
            gathering.Close();
        }
    }

    private static Packet Event(int value) => new(PacketKind.Event) { Event = "e", Arguments = Codec.Serializer.Write(value) };

    private static int[] Sent(TransportPair transport) =>
        [.. transport.Drain().Select(text => int.Parse(Codec.Decode(text).Arguments.Text(), System.Globalization.CultureInfo.InvariantCulture))];

    private Outbox Make(ITransport transport, long maxBytes = 1_000_000) => new(
        transport,
        Codec.Json,
        "/",
        new OutboxSettings(maxBytes, 100, TimeProvider.System, new EventMetrics(_services.GetRequiredService<IMeterFactory>()), NullLogger.Instance),
        CancellationToken.None);
}

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
                using OutgoingPacket packet = OutgoingPacket.Rent(Event(i), DropTerms.Volatile);
                outbox.Post(packet).Should().BeTrue();
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

    [Fact]
    public async Task Anoutbox_completed_while_held_sends_what_it_holds_before_its_goodbye()
    {
        Outbox outbox = Make(_transport);
        Gathered(() =>
        {
            outbox.Post(Event(1));
            outbox.Post(Event(2));
            outbox.Complete(Closing.TooManyErrors);
            outbox.Post(Event(3)).Should().BeFalse();
        });
        await outbox.Finished.WaitAsync(TransportPair.Patience);
        (await _transport.Goodbye).Should().Be(new TransportClose(1008, "too_many_errors"));
        List<string> sent = _transport.Drain();
        sent.Take(2).Should().Equal("""{"event":"e","data":1}""", """{"event":"e","data":2}""");
        sent.Skip(2).Should().ContainSingle().Which.Should().Contain("too_many_errors");
    }

    [Fact]
    public async Task Anoutbox_of_a_client_that_has_closed_drops_what_it_holds_and_finishes()
    {
        Outbox outbox = Make(_transport);
        Gathered(() =>
        {
            outbox.Post(Event(1));
            outbox.Complete(Closing.ByClient);
        });
        await outbox.Finished.WaitAsync(TransportPair.Patience);
        _transport.SentPackets.Should().Be(0);
        _transport.IsGoodbyeSaid.Should().BeTrue();
        outbox.WaitingBytes.Should().Be(0);
    }

    [Fact]
    public async Task A_receiver_that_does_not_read_keeps_what_is_posted_after_and_loses_nothing()
    {
        Outbox outbox = Make(_transport);
        _transport.StopReading();
        Gathered(() =>
        {
            outbox.Post(Event(1));
            outbox.Post(Event(2));
        });
        Gathered(() => outbox.Post(Event(3)));
        outbox.Post(Event(4));
        _transport.GoOnReading();
        await TransportPair.UntilAsync(() => _transport.SentPackets == 4, "all is sent");
        Sent(_transport).Should().Equal(1, 2, 3, 4);
        _transport.SendCalls.Should().Be(2);
    }

    [Fact]
    public async Task Volatile_events_are_dropped_within_a_gathering_for_a_client_that_does_not_keep_up()
    {
        Outbox outbox = Make(_transport, maxBytes: 100);
        _transport.StopReading();
        outbox.Post(Event(0)).Should().BeTrue();
        Gathered(() =>
        {
            int taken = 0;
            for (int i = 1; i <= 100; i++)
            {
                using OutgoingPacket packet = OutgoingPacket.Rent(Event(i), DropTerms.Volatile);
                taken += outbox.Post(packet) ? 1 : 0;
            }

            taken.Should().BeInRange(1, 20);
        });
        outbox.IsCompleted.Should().BeFalse();
        _transport.GoOnReading();
        await TransportPair.UntilAsync(() => outbox.WaitingBytes == 0, "what was taken is sent");
        outbox.Post(Event(1_000)).Should().BeTrue();
        await TransportPair.UntilAsync(() => Sent(_transport).Contains(1_000), "it is sent again");
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

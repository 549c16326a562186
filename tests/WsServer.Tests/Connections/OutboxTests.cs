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

public sealed class OutboxTests : IDisposable
{
    private const int Limit = 1_000;

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly TransportPair _transport = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly Outbox _outbox;

    public OutboxTests() => _outbox = Make(Limit);

    [Fact]
    public async Task Packets_arrive_in_the_order_posted()
    {
        for (int i = 0; i < 10; i++)
        {
            _outbox.Post(Event(i)).Should().BeTrue();
            (await _transport.ReceiveTextAsync()).Should().Be($$"""{"event":"e","data":{{i}}}""");
        }

        _outbox.WaitingBytes.Should().Be(0);
    }

    [Fact]
    public async Task Each_posters_packets_keep_their_order_among_those_of_others()
    {
        Outbox outbox = Make(100_000_000);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(poster => Task.Run(() =>
        {
            for (int i = 0; i < 5_000; i++)
            {
                outbox.Post(Event((poster * 1_000_000) + i)).Should().BeTrue();
            }
        })));
        var next = new int[4];
        for (int i = 0; i < 20_000; i++)
        {
            int value = int.Parse(Codec.Decode(await _transport.ReceiveTextAsync()).Arguments.Text(), System.Globalization.CultureInfo.InvariantCulture);
            (value % 1_000_000).Should().Be(next[value / 1_000_000]++);
        }

        await TransportPair.UntilAsync(() => outbox.WaitingBytes == 0, "nothing waits");
    }

    [Fact]
    public async Task What_waits_leaves_in_few_sends()
    {
        _transport.StopReading();
        for (int i = 0; i < 30; i++)
        {
            _outbox.Post(Event(i)).Should().BeTrue();
        }

        _transport.GoOnReading();
        await TransportPair.UntilAsync(() => _transport.SentPackets == 30, "all is sent");
        _transport.SendCalls.Should().Be(2, "one was under way and the others fit one batch");
    }

    [Fact]
    public async Task One_message_of_any_size_fits_an_empty_outbox()
    {
        for (int i = 0; i < 3; i++)
        {
            _outbox.Post(Big(Limit * 50)).Should().BeTrue();
            (await _transport.ReceivePacketAsync()).Length.Should().BeGreaterThan(Limit * 50);
        }
    }

    [Fact]
    public async Task What_waits_beyond_the_message_being_written_is_bounded()
    {
        _transport.StopReading();
        _outbox.Post(Big(Limit * 50)).Should().BeTrue();
        _outbox.WaitingBytes.Should().Be(0);
        int length = Codec.Json.Encode(Event(10), "/").Length;
        int fits = Limit / length;
        for (int i = 0; i < fits; i++)
        {
            _outbox.Post(Event(10)).Should().BeTrue();
        }

        _outbox.WaitingBytes.Should().Be(fits * length).And.BeLessThanOrEqualTo(Limit);
        using OutgoingPacket dropped = OutgoingPacket.Rent(Event(10), DropTerms.Volatile);
        _outbox.Post(dropped).Should().BeFalse("a volatile event is dropped");
        _outbox.Completed.IsCompleted.Should().BeFalse();

        _outbox.Post(Event(10)).Should().BeFalse();
        (await _outbox.Completed).Should().Be(Closing.SlowConsumer);
        _outbox.WaitingBytes.Should().Be(0, "what waited is let go");
        _outbox.Post(Event(1)).Should().BeFalse();

        _transport.GoOnReading();
        (await _transport.Goodbye).Should().Be(new TransportClose(1008, "slow_consumer"));
        List<string> sent = _transport.Drain();
        sent.Should().HaveCount(2);
        sent[1].Should().Contain("slow_consumer");
    }

    [Fact]
    public async Task What_is_sent_no_longer_counts()
    {
        Outbox outbox = Make(Limit);
        _transport.StopReading();
        int length = Codec.Json.Encode(Event(10), "/").Length;
        for (int i = 0; i < 11; i++)
        {
            outbox.Post(Event(10));
        }

        outbox.WaitingBytes.Should().Be(10 * length);
        _transport.GoOnReading();
        await TransportPair.UntilAsync(() => outbox.WaitingBytes == 0, "all is sent");
        outbox.WaitingBytes.Should().Be(0);
    }

    [Fact]
    public async Task Goodbye_is_said_after_all_that_was_posted_and_nothing_after_it()
    {
        _transport.StopReading();
        _outbox.Post(Event(1));
        _outbox.Post(Event(2));
        _outbox.Complete(Closing.TooManyErrors);
        _outbox.Complete(Closing.PingTimeout);
        _outbox.Post(Event(3)).Should().BeFalse();
        _outbox.Finished.IsCompleted.Should().BeFalse();
        _transport.GoOnReading();
        await _outbox.Finished.WaitAsync(TransportPair.Patience);
        (await _transport.Goodbye).Should().Be(new TransportClose(1008, "too_many_errors"), "the first call counts");
        _transport.Drain().Should().Equal(
            """{"event":"e","data":1}""", """{"event":"e","data":2}""", """{"error":{"code":"too_many_errors","message":"The client made too many errors."}}""");
    }

    [Fact]
    public async Task An_idle_outbox_says_goodbye_at_once()
    {
        _outbox.Complete(Closing.Left);
        await _outbox.Finished.WaitAsync(TransportPair.Patience);
        (await _transport.Goodbye).Should().Be(new TransportClose(1000, "server namespace disconnect"));
        _transport.SentPackets.Should().Be(0);
    }

    [Fact]
    public async Task A_client_that_closed_is_sent_no_more_of_what_waited()
    {
        _transport.StopReading();
        _outbox.Post(Event(1));
        _outbox.Post(Event(2));
        _outbox.Complete(Closing.ByClient);
        _transport.GoOnReading();
        await _outbox.Finished.WaitAsync(TransportPair.Patience);
        _transport.Drain().Should().ContainSingle();
    }

    [Fact]
    public async Task A_transport_that_throws_ends_the_connection_and_harms_no_poster()
    {
        _transport.SendFault = new InvalidOperationException("Not today.");
        _outbox.Post(Event(1)).Should().BeTrue();
        (await _outbox.Completed.WaitAsync(TransportPair.Patience)).Should().Be(Closing.Broken);
        await _outbox.Finished.WaitAsync(TransportPair.Patience);
        _outbox.Post(Event(2)).Should().BeFalse();
        _transport.SendCalls.Should().Be(1);
        _transport.IsGoodbyeSaid.Should().BeFalse();
    }

    [Fact]
    public async Task A_goodbye_that_throws_finishes_all_the_same()
    {
        _transport.CloseFault = new IOException("Gone.");
        _outbox.Complete(Closing.Left);
        await _outbox.Finished.WaitAsync(TransportPair.Patience);
        (await _outbox.Completed).Should().Be(Closing.Left);
    }

    [Fact]
    public async Task A_send_that_hangs_is_ended_by_the_abort()
    {
        _transport.StopReading();
        _outbox.Post(Event(1));
        _outbox.Complete(Closing.SlowConsumer);
        _outbox.Finished.IsCompleted.Should().BeFalse();
        await _abort.CancelAsync();
        await _outbox.Finished.WaitAsync(TransportPair.Patience);
        (await _outbox.Completed).Should().Be(Closing.SlowConsumer);
    }

    [Fact]
    public async Task Errors_beyond_the_budget_end_the_connection()
    {
        Outbox outbox = Make(100_000, errorBudget: 3);
        for (int i = 0; i < 3; i++)
        {
            outbox.PostError(Error());
        }

        outbox.Completed.IsCompleted.Should().BeFalse();
        outbox.PostError(Error());
        (await outbox.Completed).Should().Be(Closing.TooManyErrors);
        (await _transport.Goodbye).Status.Should().Be(1008);
        _transport.Drain().Should().HaveCount(4);
    }

    public void Dispose()
    {
        _abort.Dispose();
        _services.Dispose();
    }

    private static Packet Event(int value) => new(PacketKind.Event) { Event = "e", Arguments = Codec.Serializer.Write(value) };

    private static Packet Big(int length) => new(PacketKind.Event) { Event = "e", Arguments = Codec.Serializer.Write(new string('x', length)) };

    private static Packet Error() => new(PacketKind.Error) { Error = new EventError("a", "b") };

    private Outbox Make(long maxBytes, int errorBudget = 100) => new(
        _transport,
        Codec.Json,
        "/",
        new OutboxSettings(maxBytes, errorBudget, new ManualTime(), new EventMetrics(_services.GetRequiredService<IMeterFactory>()), NullLogger.Instance),
        _abort.Token);
}

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

/// <summary>A gathering belongs to its thread: no test awaits while one is open.</summary>
public sealed class GatheringTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly TransportPair _transport = new();
    private readonly Outbox _outbox;

    public GatheringTests() => _outbox = Make(_transport);

    [Fact]
    public void What_is_posted_while_it_is_open_leaves_in_one_send_for_each_receiver()
    {
        var transports = Enumerable.Range(0, 5).Select(_ => new TransportPair()).ToArray();
        Outbox[] outboxes = Array.ConvertAll(transports, t => Make(t));
        Gathered(() =>
        {
            for (int i = 0; i < 10; i++)
            {
                foreach (Outbox outbox in outboxes)
                {
                    outbox.Post(Event(i)).Should().BeTrue();
                }
            }

            transports.Should().OnlyContain(t => t.SendCalls == 0);
        });

        foreach (TransportPair transport in transports)
        {
            transport.SendCalls.Should().Be(1);
            Sent(transport).Should().Equal(Enumerable.Range(0, 10));
        }

        outboxes.Should().OnlyContain(o => o.WaitingBytes == 0);
    }

    [Fact]
    public void Without_one_each_post_leaves_at_once()
    {
        Gathering.Current.Should().BeNull();
        _outbox.Post(Event(1));
        _transport.SendCalls.Should().Be(1);
        Gathered(() => Gathering.Current.Should().NotBeNull());
        Gathering.Current.Should().BeNull();
        _outbox.Post(Event(2));
        _transport.SendCalls.Should().Be(2);
    }

    [Fact]
    public void A_post_of_another_thread_leaves_at_once_behind_what_was_held_before_it()
    {
        Gathered(() =>
        {
            _outbox.Post(Event(1));
            _outbox.Post(Event(2));
            OwnThread.Run(() => _outbox.Post(Event(3)));
            Sent(_transport).Should().Equal(1, 2, 3);
            _outbox.Post(Event(4));
            _transport.SendCalls.Should().Be(1, "this thread goes on to hold");
            OwnThread.Run(() => _outbox.Post(Event(5)));
            Sent(_transport).Should().Equal(4, 5);
            _outbox.Post(Event(6));
        });
        Sent(_transport).Should().Equal(6);
        _transport.SendCalls.Should().Be(3);
    }

    [Fact]
    public void Held_posts_of_several_threads_leave_in_the_order_posted()
    {
        Gathered(() =>
        {
            _outbox.Post(Event(1));
            OwnThread.Run(() => Gathered(() => _outbox.Post(Event(2))));
            _outbox.Post(Event(3));
        });
        Sent(_transport).Should().Equal(1, 2, 3);
    }

    [Fact]
    public void More_than_64_KiB_leave_before_it_closes()
    {
        const int Size = 10 * 1024;
        Gathered(() =>
        {
            for (int i = 1; i <= 6; i++)
            {
                _outbox.Post(Big(Size));
                _transport.SendCalls.Should().Be(0);
            }

            _outbox.Post(Big(Size));
            _transport.SendCalls.Should().Be(1);
            _transport.SentPackets.Should().Be(7);
            _outbox.Post(Big(Size));
            _transport.SendCalls.Should().Be(1, "what comes behind is held again");
        });
        _transport.SentPackets.Should().Be(8);
        _transport.SendCalls.Should().Be(2);
    }

    [Fact]
    public void One_within_another_sends_nothing_before_the_outermost_closes()
    {
        Gathered(() =>
        {
            _outbox.Post(Event(1));
            Gathered(() =>
            {
                _outbox.Post(Event(2));
                Gathered(() => _outbox.Post(Event(3)));
            });
            _outbox.Post(Event(4));
            _transport.SendCalls.Should().Be(0);
        });
        Sent(_transport).Should().Equal(1, 2, 3, 4);
        _transport.SendCalls.Should().Be(1);
    }

    [Fact]
    public void Stepping_out_sends_what_is_held_and_stepping_in_holds_again()
    {
        Gathered(() => Gathered(() =>
        {
            Gathering gathering = Gathering.Current!;
            _outbox.Post(Event(1));
            int depth = gathering.StepOut();
            Sent(_transport).Should().Equal(1);
            _outbox.Post(Event(2));
            Sent(_transport).Should().Equal(2);
            Gathered(() => _outbox.Post(Event(3)));
            Sent(_transport).Should().Equal(3);
            gathering.StepIn(depth);
            _outbox.Post(Event(4));
            Sent(_transport).Should().BeEmpty();
        }));
        Sent(_transport).Should().Equal(4);
        Gathering.Current.Should().BeNull();
    }

    [Fact]
    public async Task A_fan_out_larger_than_a_shard_reaches_everybody_in_order_and_once()
    {
        const int Receivers = 25, Rounds = 200;
        var transports = Enumerable.Range(0, Receivers).Select(_ => new TransportPair()).ToArray();
        Outbox[] outboxes = Array.ConvertAll(transports, t => Make(t, shardSize: 4));
        for (int round = 0; round < Rounds; round++)
        {
            // Not waiting for the other threads: they may send what is posted later as well, and never out of order.
            Gathered(() => Array.ForEach(outboxes, o => o.Post(Event(round)).Should().BeTrue()));
        }

        foreach (TransportPair transport in transports)
        {
            await TransportPair.UntilAsync(() => transport.SentPackets == Rounds, "all is sent");
            Sent(transport).Should().Equal(Enumerable.Range(0, Rounds));
        }
    }

    [Fact]
    public void What_a_send_brings_forth_on_the_same_thread_is_sent_too()
    {
        var echoes = new TransportPair();
        Outbox echo = Make(echoes);
        Outbox relaying = Make(new RelayingTransport(() =>
        {
            Gathering.Current.Should().BeNull();
            echo.Post(Event(10));
            Gathered(() =>
            {
                echo.Post(Event(11));
                echo.Post(Event(12));
            });
        }));
        Gathered(() =>
        {
            relaying.Post(Event(1));
            _outbox.Post(Event(2));
        });
        Sent(echoes).Should().Equal(10, 11, 12);
        echoes.SendCalls.Should().Be(2);
        Sent(_transport).Should().Equal(2);
        Gathering.Current.Should().BeNull();
    }

    [Fact]
    public async Task A_receiver_that_fails_harms_no_other_and_not_the_next_gathering()
    {
        var broken = new TransportPair { SendFault = new IOException("Gone.") };
        Outbox failing = Make(broken);
        var last = new TransportPair();
        Outbox behind = Make(last);
        for (int i = 0; i < 2; i++)
        {
            Gathered(() =>
            {
                _outbox.Post(Event(i));
                failing.Post(Event(i)).Should().Be(i == 0);
                behind.Post(Event(i));
            });
            Sent(_transport).Should().Equal(i);
            Sent(last).Should().Equal(i);
        }

        (await failing.Completed).Should().Be(Closing.Broken);
        failing.Finished.IsCompleted.Should().BeTrue();
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

    private static Packet Big(int length) => new(PacketKind.Event) { Event = "e", Arguments = Codec.Serializer.Write(new string('x', length)) };

    private static int[] Sent(TransportPair transport) =>
        [.. transport.Drain().Select(text => int.Parse(Codec.Decode(text).Arguments.Text(), System.Globalization.CultureInfo.InvariantCulture))];

    private Outbox Make(ITransport transport, long maxBytes = 1_000_000, int shardSize = 2_048) => new(
        transport,
        Codec.Json,
        "/",
        new OutboxSettings(maxBytes, 100, TimeProvider.System, new EventMetrics(_services.GetRequiredService<IMeterFactory>()), NullLogger.Instance, shardSize),
        CancellationToken.None);

    private sealed class RelayingTransport(Action sending) : ITransport
    {
        public ValueTask<TransportMessage> ReceiveAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask SendAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
        {
            sending();
            return ValueTask.CompletedTask;
        }

        public ValueTask CloseAsync(TransportClose close, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

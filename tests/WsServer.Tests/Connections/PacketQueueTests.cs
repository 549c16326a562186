using System.Globalization;
using System.Text;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Connections;

public class PacketQueueTests
{
    // The header of a short text is two bytes.
    private const int HeaderBytes = 2;

    private PacketQueue _queue;

    [Fact]
    public void An_unused_queue_is_empty()
    {
        _queue.IsEmpty.Should().BeTrue();
        _queue.Bytes.Should().Be(0);
        _queue.BytesBehindFirst.Should().Be(0);
        _queue.Take(1_000).IsEmpty.Should().BeTrue();
        _queue.ReleaseTaken();
        _queue.DropWaiting();
        _queue.IsEmpty.Should().BeTrue();
    }

    [Fact]
    public void Bytes_are_counted_with_and_without_the_first()
    {
        Add(10, 20, 30);

        _queue.Bytes.Should().Be(60 + (3 * HeaderBytes));
        _queue.BytesBehindFirst.Should().Be(50 + (2 * HeaderBytes));
        _queue.Take(1);
        _queue.Bytes.Should().Be(60 + (3 * HeaderBytes), "what is being written is not sent yet");
        _queue.ReleaseTaken();
        _queue.Bytes.Should().Be(50 + (2 * HeaderBytes));
        _queue.BytesBehindFirst.Should().Be(30 + HeaderBytes);
        _queue.IsEmpty.Should().BeFalse();
    }

    [Fact]
    public void A_batch_ends_with_the_packet_that_fills_it_and_has_at_least_one()
    {
        Add(50, 50, 50, 50);

        Lengths(_queue.Take(100)).Should().Equal(50, 50);
        _queue.ReleaseTaken();
        Lengths(_queue.Take(1)).Should().Equal(50);
        _queue.ReleaseTaken();
        Lengths(_queue.Take(1_000)).Should().Equal(50);
        _queue.ReleaseTaken();
        _queue.IsEmpty.Should().BeTrue();
        _queue.Bytes.Should().Be(0);
    }

    [Fact]
    public void A_batch_that_is_out_stays_as_it_is_while_the_queue_grows()
    {
        for (int i = 0; i < 3; i++)
        {
            _queue.Add(Numbered(i));
        }

        ReadOnlyMemory<EncodedPacket> batch = _queue.Take(1_000);
        for (int i = 3; i < 1_000; i++)
        {
            _queue.Add(Numbered(i));
            Numbers(batch).Should().Equal(0, 1, 2);
        }

        _queue.ReleaseTaken();
        Numbers(_queue.Take(int.MaxValue)).Should().Equal(Enumerable.Range(3, 997));
        _queue.ReleaseTaken();
        _queue.Bytes.Should().Be(0);
    }

    [Fact]
    public void A_packet_is_held_from_its_adding_to_the_end_of_its_sending() => OwnThread.Run(() =>
    {
        // Nobody else holds it: a packet that is let go is the next one made on this thread.
        EncodedPacket first = Numbered(1);
        _queue.Add(first);
        _queue.Take(1_000);
        Numbered(2).Should().NotBeSameAs(first);
        _queue.ReleaseTaken();
        Numbered(3).Should().BeSameAs(first);
    });

    [Fact]
    public void Dropping_lets_what_waits_go_and_keeps_what_is_being_written() => OwnThread.Run(() =>
    {
        EncodedPacket written = Numbered(1), waiting = Numbered(2);
        _queue.Add(written);
        _queue.Add(waiting);
        ReadOnlyMemory<EncodedPacket> batch = _queue.Take(1);

        _queue.DropWaiting();

        _queue.Bytes.Should().Be(written.Length);
        _queue.BytesBehindFirst.Should().Be(0);
        Numbered(3).Should().BeSameAs(waiting);
        Numbered(4).Should().NotBeSameAs(written);
        Numbers(batch).Should().Equal(1);
        _queue.ReleaseTaken();
        _queue.IsEmpty.Should().BeTrue();
        _queue.Bytes.Should().Be(0);
    });

    [Fact]
    public void Dropping_when_nothing_was_taken_empties_the_queue_which_can_be_used_again()
    {
        Add(10, 20, 30);
        _queue.DropWaiting();
        _queue.IsEmpty.Should().BeTrue();
        _queue.Bytes.Should().Be(0);
        Add(40);
        Lengths(_queue.Take(1_000)).Should().Equal(40);
    }

    [Fact]
    public void Places_are_given_back_after_a_burst()
    {
        for (int i = 0; i < 1_000; i++)
        {
            _queue.Add(Numbered(i));
        }

        Places(_queue.Take(int.MaxValue)).Length.Should().BeGreaterThanOrEqualTo(1_000);
        _queue.ReleaseTaken();
        _queue.Add(Numbered(1));
        _queue.Add(Numbered(2));
        Places(_queue.Take(1)).Length.Should().BeLessThanOrEqualTo(32);
    }

    [Fact]
    public void A_queue_that_holds_few_keeps_its_places()
    {
        EncodedPacket[]? places = null;
        for (int i = 0; i < 100; i++)
        {
            _queue.Add(Numbered(i));
            _queue.Add(Numbered(i));
            places ??= Places(_queue.Take(1));
            Places(_queue.Take(1_000)).Should().BeSameAs(places);
            _queue.ReleaseTaken();
        }
    }

    [Fact]
    public void A_packet_alone_is_the_same_batch_for_every_queue_and_takes_no_place()
    {
        EncodedPacket packet = Numbered(1);
        packet.Hold();
        var other = default(PacketQueue);
        _queue.Add(packet);
        other.Add(packet);

        Places(_queue.Take(1_000)).Should().BeSameAs(Places(other.Take(1_000))).And.HaveCount(1);
        _queue.ReleaseTaken();
        other.ReleaseTaken();
        _queue.IsEmpty.Should().BeTrue();
        other.Bytes.Should().Be(0);
    }

    [Fact]
    public void A_packet_that_is_being_written_alone_is_released_once_when_others_have_come_behind_it() => OwnThread.Run(() =>
    {
        EncodedPacket first = Numbered(1);
        _queue.Add(first);
        ReadOnlyMemory<EncodedPacket> batch = _queue.Take(1_000);
        _queue.Add(Numbered(2));
        _queue.BytesBehindFirst.Should().Be(1 + HeaderBytes);
        Numbers(batch).Should().Equal(1);

        _queue.ReleaseTaken();

        Numbered(3).Should().BeSameAs(first);
        Numbers(_queue.Take(1_000)).Should().Equal(2);
        _queue.ReleaseTaken();
        _queue.IsEmpty.Should().BeTrue();
        _queue.Bytes.Should().Be(0);
    });

    [Fact]
    public void Random_use_keeps_order_and_counts()
    {
        var random = new Random(4711);
        var model = new Queue<EncodedPacket>();
        int taken = 0, next = 0;
        for (int step = 0; step < 50_000; step++)
        {
            switch (random.Next(10))
            {
                case < 5:
                    EncodedPacket packet = Numbered(next++);
                    _queue.Add(packet);
                    model.Enqueue(packet);
                    break;
                case < 7 when taken == 0:
                    ReadOnlyMemory<EncodedPacket> batch = _queue.Take(random.Next(1, 40));
                    taken = batch.Length;
                    batch.ToArray().Should().Equal(model.Take(taken));
                    break;
                case < 9:
                    _queue.ReleaseTaken();
                    for (; taken > 0; taken--)
                    {
                        model.Dequeue();
                    }

                    break;
                case 9 when random.Next(20) == 0:
                    _queue.DropWaiting();
                    model = new(model.Take(taken));
                    break;
                default:
                    break;
            }

            _queue.IsEmpty.Should().Be(model.Count == 0);
            _queue.Bytes.Should().Be(model.Sum(p => p.Length));
            _queue.BytesBehindFirst.Should().Be(model.Skip(1).Sum(p => p.Length));
        }
    }

    // What the queue is given it alone holds.
    private static EncodedPacket Numbered(int number) =>
        EncodedPacket.Create(Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture)), isBinary: false);

    private static int[] Numbers(ReadOnlyMemory<EncodedPacket> batch) =>
        Array.ConvertAll(batch.ToArray(), p => int.Parse(p.Payload.Span, CultureInfo.InvariantCulture));

    private static int[] Lengths(ReadOnlyMemory<EncodedPacket> batch) => Array.ConvertAll(batch.ToArray(), p => p.Payload.Length);

    private static EncodedPacket[] Places(ReadOnlyMemory<EncodedPacket> batch) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(batch, out ArraySegment<EncodedPacket> segment)
            ? segment.Array!
            : throw new InvalidOperationException("A batch is a part of an array.");

    private void Add(params int[] lengths)
    {
        foreach (int length in lengths)
        {
            _queue.Add(EncodedPacket.Create(new byte[length], isBinary: true));
        }
    }
}

using System.Collections.Concurrent;
using FluentAssertions;
using WsServer.Tests.Support;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Wire;

public class EncodedPacketTests
{
    // RFC 6455, section 5.2: the length takes 7 bits, 16 bits after 126, or 64 bits after 127.
    public static TheoryData<int, byte[]> Headers => new()
    {
        { 0, [0x00] },
        { 1, [0x01] },
        { 125, [125] },
        { 126, [126, 0x00, 0x7E] },
        { 65_535, [126, 0xFF, 0xFF] },
        { 65_536, [127, 0, 0, 0, 0, 0x00, 0x01, 0x00, 0x00] },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public void A_frame_is_the_shortest_header_and_the_payload(int length, byte[] header)
    {
        byte[] payload = new byte[length];
        new Random(1).NextBytes(payload);
        foreach (bool isBinary in new[] { false, true })
        {
            EncodedPacket packet = EncodedPacket.Create(payload, isBinary);
            packet.Frame.ToArray().Should().Equal([isBinary ? (byte)0x82 : (byte)0x81, .. header, .. payload]);
            packet.Payload.ToArray().Should().Equal(payload);
            packet.Length.Should().Be(1 + header.Length + length);
            packet.IsBinary.Should().Be(isBinary);
        }
    }

    [Fact]
    public void A_packet_keeps_bytes_of_its_own()
    {
        byte[] payload = [1, 2, 3];
        EncodedPacket packet = EncodedPacket.Create(payload, isBinary: true);
        payload[0] = 9;
        packet.Payload.ToArray().Should().Equal(1, 2, 3);
    }

    [Fact]
    public void A_packet_is_used_again_only_after_its_last_holder_has_let_go() => OwnThread.Run(() =>
    {
        EncodedPacket packet = Text("first");
        packet.Hold();
        packet.Hold();
        for (int left = 2; left > 0; left--)
        {
            packet.Release();
            Text("other").Should().NotBeSameAs(packet);
            Payload(packet).Should().Be("first");
        }

        packet.Release();
        EncodedPacket second = Text("second");
        second.Should().BeSameAs(packet);
        Payload(second).Should().Be("second");
    });

    [Fact]
    public void A_packet_that_was_used_before_has_nothing_left_of_that() => OwnThread.Run(() =>
    {
        EncodedPacket packet = EncodedPacket.Create(new byte[3_000], isBinary: true);
        packet.Release();
        foreach (string text in new[] { "short", "", new string('x', 200), new string('y', 3_500) })
        {
            EncodedPacket again = Text(text);
            again.Should().BeSameAs(packet);
            again.IsBinary.Should().BeFalse();
            byte[] header = text.Length < 126 ? [0x81, (byte)text.Length] : [0x81, 126, (byte)(text.Length >> 8), (byte)text.Length];
            again.Frame.ToArray().Should().Equal([.. header, .. System.Text.Encoding.UTF8.GetBytes(text)]);
            again.Release();
        }
    });

    [Fact]
    public void A_packet_released_more_often_than_held_throws() => OwnThread.Run(() =>
    {
        EncodedPacket packet = Text("x");
        packet.Hold();
        packet.Release();
        packet.Release();
        packet.Invoking(p => p.Release()).Should().Throw<InvalidOperationException>();
    });

    [Fact]
    public void A_packet_that_is_let_go_on_another_thread_is_used_again_there()
    {
        EncodedPacket packet = OwnThread.Run(() => Text("here"));
        OwnThread.Run(() =>
        {
            packet.Release();
            Text("there").Should().BeSameAs(packet);
        });
    }

    [Fact]
    public void A_large_packet_gives_its_bytes_back_and_a_small_one_keeps_them() => OwnThread.Run(() =>
    {
        EncodedPacket small = Text("small");
        byte[] kept = Bytes(small);
        small.Release();
        Bytes(Text("again")).Should().BeSameAs(kept);

        EncodedPacket large = EncodedPacket.Create(new byte[100_000], isBinary: true);
        Bytes(large).Length.Should().BeGreaterThanOrEqualTo(100_000);
        large.Release();
        EncodedPacket next = Text("next");
        next.Should().BeSameAs(large);
        Bytes(next).Length.Should().BeLessThan(1_000, "an idle packet is not to hold what a burst took");
    });

    [Fact]
    public void A_thread_keeps_no_more_packets_than_it_needs() => OwnThread.Run(() =>
    {
        List<EncodedPacket> many = [.. Enumerable.Range(0, 1_000).Select(_ => Text("x"))];
        foreach (EncodedPacket packet in many)
        {
            packet.Release();
        }

        Enumerable.Range(0, 1_000).Select(_ => Text("y")).Count(many.Contains).Should().BeInRange(1, 100);
    });

    [Fact]
    public async Task Holders_on_many_threads_read_what_they_hold()
    {
        const int Threads = 4, Each = 20_000;
        var mailboxes = Enumerable.Range(0, Threads).Select(_ => new BlockingCollection<(EncodedPacket Packet, int Value)>(64)).ToArray();
        var faults = new ConcurrentQueue<string>();
        int received = 0;
        Task[] readers = Array.ConvertAll(mailboxes, mailbox => Task.Factory.StartNew(
            () =>
            {
                foreach ((EncodedPacket packet, int value) in mailbox.GetConsumingEnumerable())
                {
                    if (packet.Length != 6 || BitConverter.ToInt32(packet.Payload.Span) != value)
                    {
                        faults.Enqueue($"{value} was {BitConverter.ToInt32(packet.Payload.Span)}");
                    }

                    packet.Release();
                    Interlocked.Increment(ref received);
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        for (int value = 0; value < Each; value++)
        {
            EncodedPacket packet = EncodedPacket.Create(BitConverter.GetBytes(value), isBinary: true);
            foreach (BlockingCollection<(EncodedPacket, int)> mailbox in mailboxes)
            {
                packet.Hold();
                mailbox.TryAdd((packet, value), Within.Reason).Should().BeTrue();
            }

            packet.Release();
        }

        Array.ForEach(mailboxes, m => m.CompleteAdding());
        await Task.WhenAll(readers).WaitAsync(Within.Reason);
        faults.Should().BeEmpty();
        received.Should().Be(Threads * Each);
        Array.ForEach(mailboxes, m => m.Dispose());
    }

    private static EncodedPacket Text(string text) => EncodedPacket.Create(System.Text.Encoding.UTF8.GetBytes(text), isBinary: false);

    private static string Payload(EncodedPacket packet) => System.Text.Encoding.UTF8.GetString(packet.Payload.Span);

    private static byte[] Bytes(EncodedPacket packet) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(packet.Payload, out ArraySegment<byte> segment)
            ? segment.Array!
            : throw new InvalidOperationException("A payload is a part of an array.");
}

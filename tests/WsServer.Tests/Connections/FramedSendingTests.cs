using System.Text;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Connections;

/// <summary>What a <see cref="FramedWebSocketTransport"/> writes, to an output that takes a part, nothing or fails.</summary>
public class FramedSendingTests
{
    private const int Seed = 20_260_215;

    private static readonly int[] Sizes = [0, 1, 124, 125, 126, 127, 1_000, 5_000, 65_535, 65_536, 140_000];

    [Theory]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(3_000)]
    [InlineData(100_000)]
    [InlineData(int.MaxValue)]
    public async Task Messages_arrive_whole_and_in_order_with_control_frames_between_them_however_little_is_taken_at_once(int piece)
    {
        var random = new Random(Seed);
        var client = new FramedClient(new ManualOutput(piece: piece));
        byte[][] messages = [.. Enumerable.Range(0, 60).Select(_ => Sizes[random.Next(Sizes.Length)]).Select(n => RandomBytes(random, n))];
        using var over = new CancellationTokenSource();
        Task<int> pinging = PingUntilAsync(client, over.Token);
        Task<int> asking = AskUntilAsync(client, over.Token);

        await Within.TimeAsync(Task.Run(async () =>
        {
            for (int at = 0; at < messages.Length;)
            {
                int count = Math.Min(random.Next(1, 7), messages.Length - at);
                await client.SendAsync([.. messages[at..(at + count)].Select(m => EncodedPacket.Create(m, isBinary: true))]);
                at += count;
            }
        }), "all messages to leave");
        await over.CancelAsync();
        int pings = await Within.TimeAsync(pinging, "the pings");
        int asked = await Within.TimeAsync(asking, "the client's pings");
        await client.CloseAsync(1000, "bye");

        List<RawFrame> frames = client.Output.Frames;
        frames.Should().OnlyContain(f => f.IsFinal);
        frames.Where(f => f.Opcode == RawFrame.Binary).Select(f => new Found(FrameKind.Binary, f.Payload)).Should()
            .Equal(messages.Select(m => new Found(FrameKind.Binary, m)));
        frames.Count(f => f.Opcode == RawFrame.Ping).Should().Be(pings);
        frames.Where(f => f.Opcode == RawFrame.Pong).Should().HaveCountGreaterThan(0).And.HaveCountLessThanOrEqualTo(asked);
        frames[^1].Opcode.Should().Be(RawFrame.Close);
        frames.Should().ContainSingle(f => f.Opcode == RawFrame.Close);
    }

    [Fact]
    public async Task What_the_output_takes_at_once_leaves_without_waiting()
    {
        var client = new FramedClient();

        Task sending = client.SendAsync(FramedClient.Packet("hello"));

        sending.IsCompletedSuccessfully.Should().BeTrue();
        client.Output.Frames.Single().Payload.Should().Equal("hello"u8.ToArray());
        client.Output.Waits.Should().Be(0);
        await sending;
    }

    [Fact]
    public async Task Several_packets_leave_in_one_piece()
    {
        var client = new FramedClient();

        await client.SendAsync([.. Enumerable.Range(0, 50).Select(i => FramedClient.Packet($"message {i}"))]);

        client.Output.Tries.Should().Be(1);
        client.Output.Frames.Select(f => Encoding.UTF8.GetString(f.Payload)).Should().Equal(Enumerable.Range(0, 50).Select(i => $"message {i}"));
    }

    [Fact]
    public async Task What_waits_of_several_packets_is_kept_although_the_thread_goes_on()
    {
        var slow = new FramedClient(new ManualOutput(room: 3));
        var other = new FramedClient();
        Task sending = slow.SendAsync(FramedClient.Packet("one"), FramedClient.Packet("two"));

        // On the same thread, with the same scratch memory.
        await other.SendAsync(FramedClient.Packet("different"), FramedClient.Packet("messages"));
        slow.Output.MakeRoom();
        await Within.TimeAsync(sending, "the rest");

        slow.Output.Frames.Select(f => Encoding.UTF8.GetString(f.Payload)).Should().Equal("one", "two");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public async Task A_broken_connection_is_an_io_exception_for_who_writes_and_for_all_after(int room)
    {
        var client = new FramedClient(new ManualOutput(room));
        Task sending = client.SendAsync(FramedClient.Packet("hello, you"));
        Task waiting = client.Transport.PingAsync(CancellationToken.None).AsTask();
        client.Output.Break("reset by peer");

        await Within.TimeAsync(sending.Awaiting(s => s).Should().ThrowAsync<IOException>(), "the first");
        await Within.TimeAsync(waiting.Awaiting(w => w).Should().ThrowAsync<IOException>(), "the one that waits");
        await Within.TimeAsync(client.Invoking(c => c.SendAsync(FramedClient.Packet("again"))).Should().ThrowAsync<IOException>(), "one more");
        await Within.TimeAsync(client.Invoking(c => c.CloseAsync()).Should().ThrowAsync<IOException>(), "the goodbye");
        client.Output.WrittenBytes.Should().Be(room);
    }

    [Fact]
    public async Task An_abort_ends_a_write_that_waits_and_those_behind_it()
    {
        using var abort = new CancellationTokenSource();
        var client = new FramedClient(new ManualOutput(room: 10));
        Task<TransportMessage> receiving = client.ReceiveAsync(abort.Token);
        Task sending = client.Transport.SendAsync(new[] { FramedClient.Packet(new string('a', 1_000)) }, abort.Token).AsTask();
        Task behind = client.Transport.SendAsync(new[] { FramedClient.Packet("behind") }, CancellationToken.None).AsTask();
        await abort.CancelAsync();

        await Within.TimeAsync(sending.Awaiting(s => s).Should().ThrowAsync<OperationCanceledException>(), "the end of the write");
        await Within.TimeAsync(receiving.Awaiting(r => r).Should().ThrowAsync<OperationCanceledException>(), "the end of the receive");
        await Within.TimeAsync(behind.Awaiting(b => b).Should().ThrowAsync<IOException>(), "the end of the write behind it");

        await client.Transport.DisposeAsync();
        client.Aborts.Should().Be(1);
    }

    [Fact]
    public async Task Nothing_is_written_behind_a_frame_that_was_cut_off()
    {
        using var abort = new CancellationTokenSource();
        var client = new FramedClient(new ManualOutput(room: 10));
        Task sending = client.Transport.SendAsync(new[] { FramedClient.Packet(new string('a', 1_000)) }, abort.Token).AsTask();
        await Within.UntilAsync(() => client.Output.IsWaiting, "the write waits");
        await abort.CancelAsync();
        await sending.Awaiting(s => s).Should().ThrowAsync<OperationCanceledException>();
        client.Output.MakeRoom();

        client.Send(ClientFrame.Encode(RawFrame.Ping, [1]), ClientFrame.Text("then"));
        await client.ReceiveTextAsync();

        client.Output.WrittenBytes.Should().Be(10);
    }

    private static async Task<int> PingUntilAsync(FramedClient client, CancellationToken over)
    {
        int pings = 0;
        do
        {
            await client.Transport.PingAsync(CancellationToken.None);
            pings++;
            await Task.Yield();
        }
        while (!over.IsCancellationRequested);
        return pings;
    }

    // The client pings, and says something behind each, so that the ping was read when that comes.
    private static async Task<int> AskUntilAsync(FramedClient client, CancellationToken over)
    {
        int asked = 0;
        do
        {
            client.Send(ClientFrame.Encode(RawFrame.Ping, BitConverter.GetBytes(asked++)), ClientFrame.Text("x"));
            await client.ReceiveTextAsync();
            await Task.Yield();
        }
        while (!over.IsCancellationRequested);
        return asked;
    }

    private static byte[] RandomBytes(Random random, int count)
    {
        byte[] bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}

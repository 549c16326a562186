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
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(500)]
    public async Task A_ping_a_pong_and_a_close_wait_for_the_frame_that_is_being_written(int room)
    {
        var client = new FramedClient(new ManualOutput(room));
        Task sending = client.SendAsync(FramedClient.Packet(new string('a', 1_000)));
        Task pinging = client.Transport.PingAsync(CancellationToken.None).AsTask();
        client.Send(ClientFrame.Encode(RawFrame.Ping, [1, 2]), ClientFrame.Text("then"));
        (await client.ReceiveTextAsync()).Should().Be("then");
        Task closing = client.CloseAsync(1000);

        new[] { sending, pinging, closing }.Should().OnlyContain(t => !t.IsCompleted);
        client.Output.WrittenBytes.Should().Be(room);
        client.Output.MakeRoom();
        await Within.TimeAsync(Task.WhenAll(sending, pinging, closing), "everything to leave");

        List<RawFrame> frames = client.Output.Frames;
        frames.Select(f => f.Opcode).Should().Equal(RawFrame.Text, RawFrame.Ping, RawFrame.Pong, RawFrame.Close);
        frames[0].Payload.Should().HaveCount(1_000).And.OnlyContain(b => b == 'a');
    }

    [Fact]
    public async Task A_ping_may_come_between_long_packets_of_one_send()
    {
        var client = new FramedClient(new ManualOutput(room: 10));
        Task sending = client.SendAsync([.. Enumerable.Range(0, 3).Select(i => FramedClient.Packet(new string((char)('a' + i), 70_000)))]);
        Task pinging = client.Transport.PingAsync(CancellationToken.None).AsTask();
        client.Output.MakeRoom(70_002);
        await Within.TimeAsync(pinging, "the ping");
        client.Output.MakeRoom();
        await Within.TimeAsync(sending, "the packets");

        client.Output.Frames.Select(f => (f.Opcode, f.Payload.Length)).Should()
            .Equal((RawFrame.Text, 70_000), (RawFrame.Ping, 0), (RawFrame.Text, 70_000), (RawFrame.Text, 70_000));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(125)]
    public async Task A_ping_is_answered_with_its_payload(int length)
    {
        var client = new FramedClient();
        byte[] payload = RandomBytes(new Random(Seed), length);
        client.Send(ClientFrame.Encode(RawFrame.Ping, payload), ClientFrame.Text("then"));
        await client.ReceiveTextAsync();

        RawFrame pong = client.Output.Frames.Should().ContainSingle().Subject;
        pong.Opcode.Should().Be(RawFrame.Pong);
        pong.Payload.Should().Equal(payload);
    }

    [Fact]
    public async Task A_client_that_pings_and_does_not_read_gets_no_pile_of_pongs()
    {
        var client = new FramedClient(new ManualOutput(room: 0));
        client.Send([.. Enumerable.Range(0, 10_000).Select(i => ClientFrame.Encode(RawFrame.Ping, BitConverter.GetBytes(i))), ClientFrame.Text("then")]);
        (await client.ReceiveTextAsync()).Should().Be("then");

        client.Output.MakeRoom();
        await Within.TimeAsync(client.Transport.PingAsync(CancellationToken.None).AsTask(), "the ping");
        client.Send(ClientFrame.Text("and then"));
        await client.ReceiveTextAsync();

        client.Output.Frames.Count(f => f.Opcode == RawFrame.Pong).Should().BeInRange(1, 2);
    }

    [Fact]
    public async Task A_ping_after_those_that_were_left_out_is_answered()
    {
        var client = new FramedClient(new ManualOutput(room: 0));
        client.Send(ClientFrame.Encode(RawFrame.Ping, [1]), ClientFrame.Encode(RawFrame.Ping, [2]), ClientFrame.Text("then"));
        await client.ReceiveTextAsync();
        client.Output.MakeRoom();
        await Within.UntilAsync(() => client.Output.WrittenBytes > 0 && !client.Output.IsWaiting, "the pong has left");

        // The pong before it may not have ended yet: ask until there is an answer.
        using var timeout = new CancellationTokenSource(Within.Reason);
        while (!client.Output.Frames.Exists(f => f.Opcode == RawFrame.Pong && f.Payload is [3]))
        {
            timeout.Token.ThrowIfCancellationRequested();
            client.Send(ClientFrame.Encode(RawFrame.Ping, [3]), ClientFrame.Text("x"));
            await client.ReceiveTextAsync();
        }
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
    public async Task A_pong_that_cannot_leave_harms_nobody_but_the_connection()
    {
        var client = new FramedClient();
        client.Output.Break("reset by peer");
        client.Send(ClientFrame.Encode(RawFrame.Ping, []), ClientFrame.Text("then"));

        (await client.ReceiveTextAsync()).Should().Be("then");
        await client.Transport.DisposeAsync();
        client.Aborts.Should().Be(1);
    }

    [Fact]
    public async Task An_abort_ends_a_write_that_waits_and_those_behind_it()
    {
        using var abort = new CancellationTokenSource();
        var client = new FramedClient(new ManualOutput(room: 10));
        Task<TransportMessage> receiving = client.ReceiveAsync(abort.Token);
        Task sending = client.Transport.SendAsync(new[] { FramedClient.Packet(new string('a', 1_000)) }, abort.Token).AsTask();
        Task pinging = client.Transport.PingAsync(abort.Token).AsTask();
        await abort.CancelAsync();

        foreach (Task task in new[] { sending, pinging, receiving })
        {
            await Within.TimeAsync(task.Awaiting(t => t).Should().ThrowAsync<OperationCanceledException>(), "the end");
        }

        await client.Transport.DisposeAsync();
        client.Aborts.Should().Be(1);
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

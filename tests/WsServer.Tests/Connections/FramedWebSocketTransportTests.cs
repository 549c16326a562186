using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Connections;

/// <summary>What a <see cref="FramedWebSocketTransport"/> receives, and how it ends.</summary>
public class FramedWebSocketTransportTests
{
    [Fact]
    public async Task Messages_of_one_read_are_there_at_once_one_after_the_other()
    {
        var client = new FramedClient();
        client.Send(ClientFrame.Text("one"), ClientFrame.Encode(RawFrame.Binary, [1, 2]), ClientFrame.Text(""), ClientFrame.Text("four"));
        (await client.ReceiveTextAsync()).Should().Be("one");

        Task<TransportMessage> second = client.Transport.ReceiveAsync(CancellationToken.None).AsTask();
        second.IsCompletedSuccessfully.Should().BeTrue();
        TransportMessage binary = await second;
        binary.Kind.Should().Be(TransportMessageKind.Binary);
        binary.Payload.ToArray().Should().Equal(1, 2);
        (await client.ReceiveTextAsync()).Should().BeEmpty();
        (await client.ReceiveTextAsync()).Should().Be("four");
        client.Transport.ReceiveAsync(CancellationToken.None).AsTask().IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task A_message_may_come_byte_by_byte()
    {
        var client = new FramedClient();
        Task<string> receiving = client.ReceiveTextAsync();
        foreach (byte one in ClientFrame.Encode(RawFrame.Text, "Grüße €"u8))
        {
            receiving.IsCompleted.Should().BeFalse();
            client.Send([one]);
        }

        (await receiving).Should().Be("Grüße €");
    }

    [Fact]
    public async Task A_message_over_the_limit_is_told_of_and_the_next_is_received()
    {
        var client = new FramedClient();
        client.Send(ClientFrame.Encode(RawFrame.Binary, new byte[FramedClient.MaxMessageBytes + 1]), ClientFrame.Text("next"));

        (await client.ReceiveAsync()).Kind.Should().Be(TransportMessageKind.TooLarge);
        (await client.ReceiveTextAsync()).Should().Be("next");
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0x81 })]
    [InlineData(new byte[] { 0x01, 0x81, 0, 0, 0, 0, 65 })]
    public async Task The_end_of_the_bytes_is_the_end_wherever_it_comes(byte[] last)
    {
        var client = new FramedClient();
        client.Send(ClientFrame.Text("one"), last);
        client.End();

        (await client.ReceiveTextAsync()).Should().Be("one");
        (await client.ReceiveAsync()).Kind.Should().Be(TransportMessageKind.Closed);
        (await client.ReceiveAsync()).Kind.Should().Be(TransportMessageKind.Closed);
        client.Output.WrittenBytes.Should().Be(0);
    }

    [Fact]
    public async Task A_connection_that_breaks_is_an_io_exception()
    {
        var client = new FramedClient();
        client.End(new IOException("reset by peer"));

        await client.Invoking(c => c.ReceiveAsync()).Should().ThrowAsync<IOException>();
    }

    [Fact]
    public async Task What_arrives_is_a_sign_of_life_and_what_is_sent_is_none()
    {
        var client = new FramedClient();
        long start = client.Transport.LastReceived;
        client.Time.Advance(TimeSpan.FromSeconds(1));
        await client.Transport.PingAsync(CancellationToken.None);
        client.Transport.LastReceived.Should().Be(start);

        client.Send(ClientFrame.Encode(RawFrame.Pong, []), ClientFrame.Text("x"));
        await client.ReceiveTextAsync();
        client.Transport.LastReceived.Should().Be(client.Time.GetTimestamp());
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1001)]
    [InlineData(1002)]
    [InlineData(1003)]
    [InlineData(1007)]
    [InlineData(1011)]
    [InlineData(1014)]
    [InlineData(3000)]
    [InlineData(4999)]
    public async Task The_clients_close_is_answered_with_its_code(int status)
    {
        var client = new FramedClient();
        client.Send(ClientFrame.Encode(RawFrame.Close, [(byte)(status >> 8), (byte)status, .. "Grüße"u8]), ClientFrame.Text("too late"));

        (await client.ReceiveAsync()).Kind.Should().Be(TransportMessageKind.Closed);
        client.Output.WrittenBytes.Should().Be(0, "the connection says goodbye when it has sent the rest");
        await client.CloseAsync(1000, "transport_close");

        client.Output.Frames.Should().ContainSingle().Which.Payload.Should().Equal((byte)(status >> 8), (byte)status);
    }

    [Fact]
    public async Task A_close_without_a_code_is_answered_with_1000()
    {
        var client = new FramedClient();
        client.Send(ClientFrame.Encode(RawFrame.Close, []));
        (await client.ReceiveAsync()).Kind.Should().Be(TransportMessageKind.Closed);

        await client.CloseAsync(1000, "transport_close");

        client.Output.Frames.Should().ContainSingle().Which.CloseStatus.Should().Be(1000);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(999)]
    [InlineData(1004)]
    [InlineData(1005)]
    [InlineData(1006)]
    [InlineData(1015)]
    [InlineData(2999)]
    [InlineData(5000)]
    [InlineData(65535)]
    public async Task A_close_with_a_code_that_no_frame_may_have_is_refused_with_1002(int status) =>
        await ShouldBeRefusedAsync(1002, ClientFrame.Encode(RawFrame.Close, [(byte)(status >> 8), (byte)status]));

    [Fact]
    public async Task A_close_with_half_a_code_is_refused_with_1002() => await ShouldBeRefusedAsync(1002, ClientFrame.Encode(RawFrame.Close, [3]));

    [Fact]
    public async Task A_close_with_a_reason_that_is_no_utf8_is_refused_with_1002() =>
        await ShouldBeRefusedAsync(1002, ClientFrame.Encode(RawFrame.Close, [0x03, 0xe8, 0xc0, 0xaf]));

    [Fact]
    public async Task A_broken_frame_is_refused_with_its_status() => await ShouldBeRefusedAsync(1002, ClientFrame.Encode(3, []));

    [Fact]
    public async Task A_text_that_is_no_utf8_is_refused_with_1007() => await ShouldBeRefusedAsync(1007, ClientFrame.Encode(RawFrame.Text, [0xff]));

    [Fact]
    public async Task After_a_broken_frame_the_close_waits_until_the_client_has_gone()
    {
        var client = new FramedClient();
        client.Send(ClientFrame.Encode(3, []), ClientFrame.Text("and on"));
        await client.Invoking(c => c.ReceiveAsync()).Should().ThrowAsync<InvalidDataException>();

        Task closing = client.CloseAsync(1002);
        client.Send(ClientFrame.Text("and on"));
        closing.IsCompleted.Should().BeFalse();
        client.End();
        await Within.TimeAsync(closing, "the close");

        client.Output.Frames.Should().ContainSingle().Which.Opcode.Should().Be(RawFrame.Close);
    }

    [Fact]
    public async Task After_the_servers_own_goodbye_a_broken_frame_is_answered_with_none()
    {
        var client = new FramedClient();
        await client.CloseAsync(1001, "shutting down");
        client.Send(ClientFrame.Text("still here"), ClientFrame.Encode(3, []));

        (await client.ReceiveTextAsync()).Should().Be("still here");
        await client.Invoking(c => c.ReceiveAsync()).Should().ThrowAsync<InvalidDataException>();

        RawFrame close = client.Output.Frames.Should().ContainSingle().Subject;
        close.CloseStatus.Should().Be(1001);
        Encoding.UTF8.GetString(close.Payload.AsSpan(2)).Should().Be("shutting down");
    }

    [Fact]
    public async Task After_the_goodbye_pings_are_not_answered_and_the_clients_goodbye_is_the_end()
    {
        var client = new FramedClient();
        await client.CloseAsync(1000);
        client.Send(ClientFrame.Encode(RawFrame.Ping, [1]), ClientFrame.Encode(RawFrame.Close, [0x03, 0xe8]));

        (await client.ReceiveAsync()).Kind.Should().Be(TransportMessageKind.Closed);
        client.Output.Frames.Should().ContainSingle().Which.Opcode.Should().Be(RawFrame.Close);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("short", 5)]
    [InlineData("a", 123, 200)]
    [InlineData("é", 122, 100)]
    [InlineData("😀", 120, 100)]
    public async Task A_long_description_is_cut_at_the_end_of_a_character(string text, int expectedBytes, int times = 1)
    {
        var client = new FramedClient();
        string description = string.Concat(Enumerable.Repeat(text, times));
        await client.CloseAsync(4000, description);

        RawFrame close = client.Output.Frames.Single();
        close.CloseStatus.Should().Be(4000);
        close.Payload.Should().HaveCount(2 + expectedBytes);
        description.Should().StartWith(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(close.Payload.AsSpan(2)));
    }

    [Fact]
    public async Task An_abort_ends_a_waiting_receive_and_the_disposal_breaks_the_connection()
    {
        using var abort = new CancellationTokenSource();
        var client = new FramedClient();
        Task<TransportMessage> receiving = client.ReceiveAsync(abort.Token);
        await abort.CancelAsync();

        await receiving.Awaiting(r => r).Should().ThrowAsync<OperationCanceledException>();
        client.Aborts.Should().Be(0);
        await client.Transport.DisposeAsync();
        client.Aborts.Should().Be(1);
    }

    [Fact]
    public async Task An_abort_before_the_first_receive_ends_it()
    {
        var client = new FramedClient();

        await client.Invoking(c => c.ReceiveAsync(new CancellationToken(canceled: true))).Should().ThrowAsync<OperationCanceledException>();
        await client.Transport.DisposeAsync();
        client.Aborts.Should().Be(1);
    }

    [Fact]
    public async Task A_client_that_has_said_goodbye_is_not_broken_off()
    {
        var client = new FramedClient();
        client.Send(ClientFrame.Encode(RawFrame.Close, []));
        await client.ReceiveAsync();
        await client.CloseAsync();

        await client.Transport.DisposeAsync();

        client.Aborts.Should().Be(0);
    }

    [Fact]
    public async Task The_disposal_gives_the_buffer_back()
    {
        var client = new FramedClient();
        client.Send(ClientFrame.Encode(RawFrame.Binary, new byte[10_000]), ClientFrame.Encode(RawFrame.Close, []));
        TransportMessage message = await client.ReceiveAsync();
        MemoryMarshal.TryGetArray(message.Payload, out ArraySegment<byte> buffer).Should().BeTrue();
        (await client.ReceiveAsync()).Kind.Should().Be(TransportMessageKind.Closed);

        // On one thread the pool gives first what was given back last.
        client.Transport.DisposeAsync().AsTask().IsCompletedSuccessfully.Should().BeTrue();
        byte[] next = ArrayPool<byte>.Shared.Rent(buffer.Array!.Length);
        next.Should().BeSameAs(buffer.Array);
        ArrayPool<byte>.Shared.Return(next);
    }

    private static async Task ShouldBeRefusedAsync(int status, byte[] frame)
    {
        var client = new FramedClient();
        client.Send(ClientFrame.Text("before"), frame);
        (await client.ReceiveTextAsync()).Should().Be("before");

        await client.Invoking(c => c.ReceiveAsync()).Should().ThrowAsync<InvalidDataException>();

        RawFrame close = client.Output.Frames.Should().ContainSingle().Subject;
        close.Opcode.Should().Be(RawFrame.Close);
        close.CloseStatus.Should().Be(status);
    }
}

using System.Buffers;
using System.Runtime.InteropServices;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Connections;

/// <summary>What a <see cref="FramedWebSocketTransport"/> receives, and how it is broken off.</summary>
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

    [Fact]
    public async Task The_disposal_leaves_a_message_alone_that_somebody_may_still_read()
    {
        using var abort = new CancellationTokenSource();
        var client = new FramedClient();
        client.Send(ClientFrame.Text("mine"));
        TransportMessage message = await client.ReceiveAsync(abort.Token);
        MemoryMarshal.TryGetArray(message.Payload, out ArraySegment<byte> buffer).Should().BeTrue();

        // The receiver is busy with the message, the time for the goodbye is over.
        await abort.CancelAsync();
        client.Transport.DisposeAsync().AsTask().IsCompletedSuccessfully.Should().BeTrue();

        ArrayPool<byte>.Shared.Rent(buffer.Array!.Length).Should().NotBeSameAs(buffer.Array);
    }
}

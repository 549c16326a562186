using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Connections;

/// <summary>Pings, pongs and closes of a <see cref="FramedWebSocketTransport"/> among what it sends.</summary>
public class FramedControlTests
{
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
        byte[] payload = [.. Enumerable.Range(1, length).Select(i => (byte)i)];
        client.Send(ClientFrame.Encode(RawFrame.Ping, payload), ClientFrame.Text("then"));
        await client.ReceiveTextAsync();

        RawFrame pong = client.Output.Frames.Should().ContainSingle().Subject;
        pong.Opcode.Should().Be(RawFrame.Pong);
        pong.Payload.Should().Equal(payload);
    }

    [Fact]
    public async Task A_client_that_pings_and_does_not_read_gets_the_newest_pong_and_no_pile_of_them()
    {
        var client = new FramedClient(new ManualOutput(room: 0));
        client.Send([.. Enumerable.Range(0, 10_000).Select(i => ClientFrame.Encode(RawFrame.Ping, BitConverter.GetBytes(i))), ClientFrame.Text("then")]);
        (await client.ReceiveTextAsync()).Should().Be("then");

        client.Output.MakeRoom();
        await Within.UntilAsync(
            () => client.Output.Frames.Exists(f => f.Opcode == RawFrame.Pong && BitConverter.ToInt32(f.Payload) == 9_999), "the newest ping is answered");
        client.Output.Frames.Count(f => f.Opcode == RawFrame.Pong).Should().BeLessThanOrEqualTo(2);
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
    public async Task Nothing_follows_the_close_that_answers_a_broken_frame()
    {
        var client = new FramedClient(new ManualOutput(room: 10));
        Task sending = client.SendAsync([.. Enumerable.Range(0, 3).Select(_ => FramedClient.Packet(new string('a', 70_000)))]);
        client.Send(ClientFrame.Encode(3, []));
        await client.Invoking(c => c.ReceiveAsync()).Should().ThrowAsync<InvalidDataException>();
        client.Output.MakeRoom();
        await Within.TimeAsync(sending.ContinueWith(_ => { }, TaskScheduler.Default), "the send to end");
        try
        {
            await client.SendAsync(FramedClient.Packet("one more"));
        }
        catch (IOException)
        {
            // It may be refused, or left out.
        }

        List<RawFrame> frames = client.Output.Frames;
        frames.Should().ContainSingle(f => f.Opcode == RawFrame.Close);
        frames[^1].Opcode.Should().Be(RawFrame.Close);
        frames[^1].CloseStatus.Should().Be(1002);
    }
}

using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class SlowReaderTests
{
    private const int Chunk = 16 * 1024;

    [Fact]
    public async Task A_client_that_does_not_read_is_put_out_and_another_gets_everything()
    {
        var reason = new TaskCompletionSource<DisconnectReason>();
        int open = 0;
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.OnDisconnect((_, why) => reason.TrySetResult(why)),
            o => o.MaxOutboxBytes = 256 * 1024,
            services: builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(next => async connection =>
            {
                Interlocked.Increment(ref open);
                await next(connection);
                Interlocked.Decrement(ref open);
            }))));
        using RawWebSocket slow = await RawWebSocket.ConnectAsync(host, receiveBuffer: 16 * 1024);
        await using EventClient other = await EventClient.ConnectAsync(host);
        string data = new('a', Chunk);

        // 16 MB: more than the system's buffers and the outbox together.
        for (int i = 0; i < 1_000; i++)
        {
            await host.Io.EmitAsync("n", i, data);
            (await other.EventAsync("n")).GetProperty("args")[0].GetInt32().Should().Be(i);
        }

        (await Within.TimeAsync(reason.Task, "the disconnect")).Should().Be(DisconnectReason.SlowConsumer);
        await Within.UntilAsync(() => host.Io.ConnectionCount == 1, "the slow one is gone");

        // Not only from the event server: the TCP connection is not kept for somebody who never reads.
        await Within.UntilAsync(() => Volatile.Read(ref open) == 1, "its connection is gone");
        await other.SyncAsync();
    }

    [Fact]
    public async Task A_client_that_reads_again_is_told_that_it_was_too_slow()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(options: o =>
        {
            o.MaxOutboxBytes = 256 * 1024;
            o.CloseTimeout = TimeSpan.FromSeconds(20);
        });
        using RawWebSocket slow = await RawWebSocket.ConnectAsync(host, receiveBuffer: 16 * 1024);
        EventSocket socket = host.Io.Root.FindSocket(slow.Sid)!;
        string data = new('a', Chunk);
        for (int i = 0; i < 1_000; i++)
        {
            await socket.EmitAsync("n", i, data);
        }

        List<JsonElement> messages = [];
        RawFrame frame;
        while ((frame = await slow.ReadAsync()).Opcode != RawFrame.Close)
        {
            messages.Add(frame.Json);
        }

        frame.CloseStatus.Should().Be(1008);
        messages[^1].GetProperty("error").GetProperty("code").GetString().Should().Be("slow_consumer");
        messages.SkipLast(1).Select(m => m.GetProperty("args")[0].GetInt32()).Should().BeInAscendingOrder().And.StartWith([0, 1, 2]);
        await slow.SendCloseAsync(1008);
        (await slow.TryReadAsync()).Should().BeNull();
    }

    [Fact]
    public async Task Volatile_events_are_dropped_for_a_client_that_does_not_read_and_it_stays()
    {
        const int Count = 2_000;
        await using EventServerHost host = await EventServerHost.StartAsync(options: o => o.MaxOutboxBytes = 256 * 1024);
        using RawWebSocket slow = await RawWebSocket.ConnectAsync(host, receiveBuffer: 16 * 1024);
        EventSocket socket = host.Io.Root.FindSocket(slow.Sid)!;
        string data = new('a', Chunk);

        for (int i = 0; i < Count; i++)
        {
            await host.Io.Volatile.EmitAsync("n", i, data);
        }

        socket.Connected.Should().BeTrue();
        await slow.SendTextAsync("""{"ping":"end"}""");
        List<int> seen = [];
        JsonElement message;
        while ((message = (await slow.ReadAsync()).Json).TryGetProperty("args", out JsonElement args))
        {
            seen.Add(args[0].GetInt32());
        }

        message.GetProperty("pong").GetString().Should().Be("end");
        seen.Should().BeInAscendingOrder().And.HaveCountLessThan(Count).And.StartWith([0, 1, 2]);
    }

    [Fact]
    public async Task One_message_larger_than_the_outbox_always_fits_an_empty_one()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(options: o => o.MaxOutboxBytes = 10);
        await using EventClient client = await EventClient.ConnectAsync(host);

        await host.Io.EmitAsync("n", new string('a', 5_000_000));

        (await client.EventAsync("n")).GetProperty("data").GetString().Should().HaveLength(5_000_000);
    }
}

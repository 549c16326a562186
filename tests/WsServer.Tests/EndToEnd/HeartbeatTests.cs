using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class HeartbeatTests
{
    [Fact]
    public async Task A_ping_envelope_is_answered_with_the_same_value_while_a_handler_runs()
    {
        var go = new TaskCompletionSource();
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("slow", async _ => await go.Task));
        await using EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync("""{"event":"slow","id":1}""");

        await client.SendAsync("""{"ping":{"t":[1,"x",null]}}""");
        await client.SendAsync("""{"ping":null}""");
        await client.SendAsync("""{"pong":1}""");

        (await client.NextAsync()).GetRawText().Should().Be("""{"pong":{"t":[1,"x",null]}}""");
        (await client.NextAsync()).GetRawText().Should().Be("""{"pong":null}""");
        go.SetResult();
        (await client.NextAsync()).GetRawText().Should().Be("""{"ack":1}""");
    }

    [Fact]
    public async Task A_handler_that_blocks_its_thread_does_not_keep_a_pong_back()
    {
        using var go = new ManualResetEventSlim();
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("block", _ => go.Wait(Within.Reason)));
        await using EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync("""{"event":"block","id":1}""");

        await client.SyncAsync();

        client.Waiting.Should().BeEmpty();
        go.Set();
        (await client.AckAsync(1)).GetProperty("data").GetBoolean().Should().BeTrue();
    }

    [Fact]
    public async Task The_server_sends_pings_and_a_client_that_answers_stays()
    {
        await using EventServerHost host = await StartAsync(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(10));
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);

        for (int i = 0; i < 5; i++)
        {
            RawFrame ping = await raw.ReadAsync(RawFrame.Ping);
            await raw.SendAsync(RawFrame.Pong, ping.Payload);
        }

        host.Io.ConnectionCount.Should().Be(1);
    }

    [Fact]
    public async Task A_client_that_gives_no_pong_is_put_out_with_ping_timeout()
    {
        var reason = new TaskCompletionSource<DisconnectReason>();
        await using EventServerHost host = await StartAsync(
            TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(100), io => io.OnDisconnect((_, why) => reason.SetResult(why)));
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);

        List<RawFrame> frames = await raw.ReadToEndAsync();

        frames.Select(f => f.Opcode).Should().Equal(RawFrame.Ping, RawFrame.Text, RawFrame.Close);
        frames[1].Json.GetProperty("error").GetProperty("code").GetString().Should().Be("timeout");
        frames[2].CloseStatus.Should().Be(1008);
        (await Within.TimeAsync(reason.Task, "the disconnect")).Should().Be(DisconnectReason.PingTimeout);
    }

    [Fact]
    public async Task Any_message_is_a_sign_of_life()
    {
        await using EventServerHost host = await StartAsync(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(2));
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);

        // Three timeouts long no pong comes, but messages do.
        for (int i = 0; i < 60; i++)
        {
            (await raw.ReadAsync(RawFrame.Ping)).Payload.Should().BeEmpty();
            await raw.SendTextAsync("""{"pong":1}""");
        }

        host.Io.ConnectionCount.Should().Be(1);
    }

    [Fact]
    public async Task A_long_handler_and_a_full_queue_do_not_make_the_ping_timeout_strike()
    {
        var go = new TaskCompletionSource();
        int handled = 0;
        await using EventServerHost host = await StartAsync(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(300), io => io.On("slow", async _ =>
        {
            await go.Task;
            Interlocked.Increment(ref handled);
        }));
        await using EventClient client = await EventClient.ConnectAsync(host);
        using RawWebSocket isSilent = await RawWebSocket.ConnectAsync(host);

        // More than may wait: the server stops reading, and so sees no pong.
        for (int i = 0; i < 200; i++)
        {
            await client.SendAsync("""{"event":"slow"}""");
        }

        // Twice in a row the timeout has struck somebody who was silent: it had time to strike here.
        await isSilent.ReadToEndAsync();
        using RawWebSocket another = await RawWebSocket.ConnectAsync(host);
        await another.ReadToEndAsync();
        host.Io.Root.FindSocket(client.Sid)!.Connected.Should().BeTrue();
        go.SetResult();

        await Within.UntilAsync(() => handled == 200, "all events are handled");
        await client.SyncAsync();
    }

    [Fact]
    public async Task The_number_of_waiting_events_is_bounded_and_nothing_is_dropped()
    {
        const int Count = 5_000;
        var go = new TaskCompletionSource();
        var seen = new List<int>();
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.On("n", async (EventSocket _, JsonElement data) =>
            {
                await go.Task;
                seen.Add(data.GetProperty("n").GetInt32());
            }),
            o => o.MaxQueuedEvents = 4);
        await using EventClient client = await EventClient.ConnectAsync(host);
        string padding = new('a', 4_000);

        // 20 MB: far more than the system's buffers take, so that sending must wait for the handlers.
        Task sending = Task.Run(async () =>
        {
            for (int i = 0; i < Count; i++)
            {
                await client.SendAsync($$"""{"event":"n","data":{"n":{{i}},"x":"{{padding}}"} }""");
            }
        });
        await Within.UntilAsync(() => !host.Io.Root.FindSocket(client.Sid)!.Life.IsQuiet, "a handler runs");
        await Task.WhenAny(sending, Task.Delay(TimeSpan.FromSeconds(1)));
        sending.IsCompleted.Should().BeFalse("the server does not read on");
        go.SetResult();

        await Within.TimeAsync(sending, "the sending");
        await Within.UntilAsync(() => seen.Count == Count, "all events are handled");
        seen.Should().BeInAscendingOrder();
    }

    private static Task<EventServerHost> StartAsync(TimeSpan interval, TimeSpan timeout, Action<EventServer>? setup = null) =>
        EventServerHost.StartAsync(setup, o =>
        {
            o.PingInterval = interval;
            o.PingTimeout = timeout;
        });
}

using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>Clients on real sockets that stop reading, and go on.</summary>
public class SlowConsumerTests
{
    private const int Count = 2_000;

    // More than the system's buffers and the outbox hold.
    private static readonly string Chunk = new('a', 16 * 1024);

    [Fact]
    public async Task Of_what_is_dropped_the_client_is_told_each_one_and_where()
    {
        await using EventServerHost host = await StartAsync();
        using RawWebSocket slow = await RawWebSocket.ConnectAsync(host, receiveBuffer: 16 * 1024);
        await using EventClient other = await EventClient.ConnectAsync(host);
        host.Io.WhenSlow("n", SlowConsumerPolicy.DropOldest);

        for (int i = 0; i < Count; i++)
        {
            await host.Io.EmitAsync("n", i, Chunk);
            (await other.EventAsync("n")).GetProperty("args")[0].GetInt32().Should().Be(i, "who reads misses nothing");
        }

        await host.Io.EmitAsync("end");
        (await ReadToEndAsync(slow)).Should().Be(Count);
        host.Log.Entries.Should().Contain(e => e.Message.StartsWith("A client that does not read fast enough is told that it has missed ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task With_drop_newest_the_oldest_come_and_the_last_are_told_of()
    {
        await using EventServerHost host = await StartAsync();
        using RawWebSocket slow = await RawWebSocket.ConnectAsync(host, receiveBuffer: 16 * 1024);
        Broadcast all = host.Io.WhenSlow(SlowConsumerPolicy.DropNewest);

        for (int i = 0; i < Count; i++)
        {
            await all.EmitAsync("n", i, Chunk);
        }

        await host.Io.EmitAsync("end");
        (await ReadToEndAsync(slow)).Should().Be(Count);
    }

    [Fact]
    public async Task Of_conflated_events_the_last_of_each_key_arrives()
    {
        await using EventServerHost host = await StartAsync(o => o.MaxOutboxBytes = 512 * 1024);
        using RawWebSocket slow = await RawWebSocket.ConnectAsync(host, receiveBuffer: 16 * 1024);
        host.Io.WhenSlow("n", SlowConsumerPolicy.Conflate(data => (JsonElement.Parse(data[0].Span).GetInt32() % 3).ToString(System.Globalization.CultureInfo.InvariantCulture)));
        EventSocket socket = host.Io.Root.FindSocket(slow.Sid)!;

        for (int i = 0; i < Count; i++)
        {
            // One socket alone, as well as all of them.
            await (i % 2 == 0 ? host.Io.EmitAsync("n", i, Chunk) : socket.EmitAsync("n", i, Chunk));
        }

        await host.Io.EmitAsync("end");
        List<int> seen = [];
        JsonElement message;
        while ((message = (await slow.ReadAsync(RawFrame.Text)).Json).GetProperty("event").GetString() != "end")
        {
            message.GetProperty("event").GetString().Should().Be("n", "what a newer one replaces is not missed");
            seen.Add(message.GetProperty("args")[0].GetInt32());
        }

        seen.Should().BeInAscendingOrder().And.HaveCountLessThan(Count).And.EndWith([Count - 3, Count - 2, Count - 1]);
    }

    [Fact]
    public async Task The_emit_says_more_than_the_event()
    {
        await using EventServerHost host = await StartAsync();
        using RawWebSocket slow = await RawWebSocket.ConnectAsync(host, receiveBuffer: 16 * 1024);
        EventSocket socket = host.Io.Root.FindSocket(slow.Sid)!;
        host.Io.WhenSlow("n", SlowConsumerPolicy.DropOldest);
        Broadcast strict = socket.WhenSlow(SlowConsumerPolicy.Disconnect);

        for (int i = 0; i < Count && socket.Connected; i++)
        {
            await strict.EmitAsync("n", i, Chunk);
        }

        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the client is put out");
    }

    [Fact]
    public async Task Events_that_want_an_ack_have_no_policy()
    {
        await using EventServerHost host = await StartAsync(o => o.AckTimeout = TimeSpan.FromMilliseconds(1));
        using RawWebSocket slow = await RawWebSocket.ConnectAsync(host, receiveBuffer: 16 * 1024);
        EventSocket socket = host.Io.Root.FindSocket(slow.Sid)!;
        host.Io.WhenSlow("n", SlowConsumerPolicy.DropOldest);
        Broadcast one = socket.WhenSlow(SlowConsumerPolicy.DropNewest);

        for (int i = 0; i < Count && socket.Connected; i++)
        {
            BroadcastAcks<int> acks = await one.EmitWithAcksAsync<int>("n", i, Chunk);
            acks.Should().HaveCountLessThanOrEqualTo(1);
        }

        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the client is put out");
    }

    [Fact]
    public async Task A_key_that_cannot_be_found_fails_the_emit_and_harms_nobody()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);
        host.Io.WhenSlow("n", SlowConsumerPolicy.Conflate(_ => throw new FormatException("No key.")));
        host.Io.WhenSlow("m", SlowConsumerPolicy.Conflate(_ => null!));

        await host.Io.Awaiting(io => io.EmitAsync("n", 1)).Should().ThrowAsync<FormatException>();
        (await host.Io.Awaiting(io => io.EmitAsync("m", 1)).Should().ThrowAsync<InvalidOperationException>()).WithMessage("*'m'*");
        host.Io.WhenSlow("n", SlowConsumerPolicy.Disconnect);
        await host.Io.EmitAsync("n", 2);
        (await client.EventAsync("n")).GetProperty("data").GetInt32().Should().Be(2);
        await client.SyncAsync();
    }

    [Fact]
    public async Task Many_that_stop_reading_are_put_out_and_what_waited_for_them_is_let_go()
    {
        const int Stalled = 40;
        await using EventServerHost host = await StartAsync();
        var stalled = new List<RawWebSocket>();
        for (int i = 0; i < Stalled; i++)
        {
            stalled.Add(await RawWebSocket.ConnectAsync(host, receiveBuffer: 16 * 1024));
        }

        await using EventClient other = await EventClient.ConnectAsync(host);
        for (int i = 0; i < Count / 2; i++)
        {
            await host.Io.EmitAsync("n", i, Chunk);
            (await other.EventAsync("n")).GetProperty("args")[0].GetInt32().Should().Be(i);
        }

        await Within.UntilAsync(() => host.Io.ConnectionCount == 1, "the others are put out");
        stalled.ForEach(s => s.Dispose());
    }

    /// <summary>Reads up to <c>end</c> and checks that what is told stands before the first one behind each gap; returns how many there were.</summary>
    private static async Task<int> ReadToEndAsync(RawWebSocket slow)
    {
        int next = 0, told = 0, missed = 0;
        while (true)
        {
            JsonElement message = (await slow.ReadAsync(RawFrame.Text)).Json;
            switch (message.GetProperty("event").GetString())
            {
                case "n":
                    int number = message.GetProperty("args")[0].GetInt32();
                    number.Should().BeGreaterThanOrEqualTo(next);
                    missed += number - next;
                    told.Should().BeGreaterThanOrEqualTo(missed, "the client knows of each one before what comes behind it");
                    next = number + 1;
                    break;
                case "$lagged":
                    int count = message.GetProperty("data").GetProperty("count").GetInt32();
                    message.GetProperty("data").GetProperty("events").GetProperty("n").GetInt32().Should().Be(count);
                    told += count;
                    break;
                default:
                    message.GetProperty("event").GetString().Should().Be("end");
                    told.Should().BePositive();
                    return next + (told - missed);
            }
        }
    }

    private static Task<EventServerHost> StartAsync(Action<EventServerOptions>? options = null) => EventServerHost.StartAsync(options: o =>
    {
        o.MaxOutboxBytes = 256 * 1024;
        options?.Invoke(o);
    });
}

using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class AckTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_handler_may_await_the_ack_of_its_own_client()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("ask", async (EventSocket socket, int n) =>
            await socket.EmitAsync<int>("double", n, Long) + 1));
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"event":"ask","data":20,"id":1}""");
        JsonElement question = await client.EventAsync("double");
        question.GetProperty("data").GetInt32().Should().Be(20);
        await client.SendAsync($$"""{"ack":{{question.GetProperty("id").GetInt64()}},"data":40}""");

        (await client.AckAsync(1)).GetProperty("data").GetInt32().Should().Be(41);
    }

    [Fact]
    public async Task An_error_of_the_client_is_thrown_with_code_message_and_details()
    {
        (EventServerHost host, EventClient client, EventSocket socket) = await StartAsync();
        await using EventServerHost _ = host;
        await using EventClient __ = client;

        Task<string> asking = socket.EmitAsync<string>("q", 1, Long);
        long id = (await client.EventAsync("q")).GetProperty("id").GetInt64();
        await client.SendAsync($$"""{"ack":{{id}},"error":{"code":"busy","message":"Not now.","retryAfterMs":5} }""");

        EventException error = (await asking.Awaiting(a => a.WaitAsync(Within.Reason)).Should().ThrowAsync<EventException>()).Which;
        error.Code.Should().Be("busy");
        error.Message.Should().Be("Not now.");
        ((int?)error.Error.Details!["retryAfterMs"]).Should().Be(5);
    }

    [Fact]
    public async Task No_ack_in_time_is_a_timeout_and_a_late_one_is_ignored()
    {
        (EventServerHost host, EventClient client, EventSocket socket) = await StartAsync();
        await using EventServerHost _ = host;
        await using EventClient __ = client;

        Func<Task> asking = () => socket.EmitAsync<string>("q", 1, TimeSpan.FromMilliseconds(50));

        (await asking.Should().ThrowAsync<EventException>()).Which.Code.Should().Be("timeout");
        long id = (await client.EventAsync("q")).GetProperty("id").GetInt64();
        await client.SendAsync($$"""{"ack":{{id}},"data":"late"}""");
        await client.SendAsync("""{"ack":999999,"data":"never asked"}""");
        await client.SendAsync("""{"ack":"text"}""");
        await client.SyncAsync();
        client.Waiting.Should().BeEmpty();
    }

    [Fact]
    public async Task The_option_is_the_timeout_unless_the_emit_says_otherwise()
    {
        (EventServerHost host, EventClient client, EventSocket socket) = await StartAsync(o => o.AckTimeout = TimeSpan.FromMilliseconds(50));
        await using EventServerHost _ = host;
        await using EventClient __ = client;

        Func<Task> asking = () => socket.EmitWithAckAsync<string>("q", 1, 2);

        (await asking.Should().ThrowAsync<EventException>()).Which.Code.Should().Be("timeout");
        (await client.EventAsync("q")).GetProperty("args").GetRawText().Should().Be("[1,2]");
    }

    [Theory]
    [InlineData("close")]
    [InlineData("abort")]
    [InlineData("leave")]
    [InlineData("put out")]
    public async Task A_client_that_goes_ends_the_wait(string how)
    {
        (EventServerHost host, EventClient client, EventSocket socket) = await StartAsync();
        await using EventServerHost _ = host;
        await using EventClient __ = client;
        Task<string> asking = socket.EmitAsync<string>("q", 1, TimeSpan.FromMinutes(10));
        await client.EventAsync("q");

        switch (how)
        {
            case "close":
                await client.CloseAsync();
                break;
            case "abort":
                client.Abort();
                break;
            case "leave":
                await client.SendAsync("""{"disconnect":"/"}""");
                break;
            default:
                await socket.DisconnectAsync();
                break;
        }

        (await asking.Awaiting(a => a.WaitAsync(Within.Reason)).Should().ThrowAsync<EventException>()).Which.Code.Should().Be("not_connected");
        await socket.Awaiting(s => s.EmitAsync<string>("q", 1, Long)).Should().ThrowAsync<EventException>();
    }

    [Fact]
    public async Task An_ack_that_does_not_fit_the_type_is_invalid_data()
    {
        (EventServerHost host, EventClient client, EventSocket socket) = await StartAsync();
        await using EventServerHost _ = host;
        await using EventClient __ = client;

        Task<int> asking = socket.EmitAsync<int>("q", 1, Long);
        long id = (await client.EventAsync("q")).GetProperty("id").GetInt64();
        await client.SendAsync($$"""{"ack":{{id}},"data":"text"}""");

        (await asking.Awaiting(a => a.WaitAsync(Within.Reason)).Should().ThrowAsync<EventException>()).Which.Code.Should().Be("invalid_data");
    }

    [Fact]
    public async Task A_wait_can_be_cancelled()
    {
        (EventServerHost host, EventClient client, EventSocket socket) = await StartAsync();
        await using EventServerHost _ = host;
        await using EventClient __ = client;
        using var cancel = new CancellationTokenSource();

        Task<JsonArguments> asking = socket.EmitWithAckAsync("q", default, Long, cancel.Token);
        await client.EventAsync("q");
        await cancel.CancelAsync();

        await asking.Awaiting(a => a.WaitAsync(Within.Reason)).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task One_pending_ack_over_the_limit_fails_and_answers_make_room()
    {
        (EventServerHost host, EventClient client, EventSocket socket) = await StartAsync(o => o.MaxPendingAcks = 2);
        await using EventServerHost _ = host;
        await using EventClient __ = client;
        Task<int> first = socket.EmitAsync<int>("q", 1, Long);
        Task<int> second = socket.EmitAsync<int>("q", 2, Long);

        Func<Task> third = () => socket.EmitAsync<int>("q", 3, Long);
        (await third.Should().ThrowAsync<EventException>()).Which.Code.Should().Be("too_many_pending_acks");
        long id = (await client.EventAsync("q")).GetProperty("id").GetInt64();
        await client.SendAsync($$"""{"ack":{{id}},"data":1}""");
        (await Within.TimeAsync(first, "the first")).Should().Be(1);
        Task<int> fourth = socket.EmitAsync<int>("q", 4, Long);

        second.IsCompleted.Should().BeFalse();
        fourth.IsCompleted.Should().BeFalse();
        await client.EventAsync("q");
        (await client.EventAsync("q")).GetProperty("data").GetInt32().Should().Be(4);
    }

    [Fact]
    public async Task Acks_of_many_tell_who_answered_failed_left_or_timed_out()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.OnConnection(socket => socket.JoinAsync("room")));
        await using EventClient answers = await EventClient.ConnectAsync(host);
        await using EventClient fails = await EventClient.ConnectAsync(host);
        await using EventClient misfits = await EventClient.ConnectAsync(host);
        await using EventClient leaves = await EventClient.ConnectAsync(host);
        await using EventClient isSilent = await EventClient.ConnectAsync(host);
        await Within.UntilAsync(() => host.Io.Root.Rooms.Any(r => r is { Key: "room", Value: 5 }), "all have joined");

        Task<BroadcastAcks<int>> asking = host.Io.To("room").Timeout(TimeSpan.FromSeconds(2)).EmitWithAcksAsync<int>("q", "how many?");
        long id = (await answers.EventAsync("q")).GetProperty("id").GetInt64();
        await answers.SendAsync($$"""{"ack":{{id}},"data":42}""");
        await fails.SendAsync($$"""{"ack":{{id}},"error":{"code":"busy","message":"Not now."} }""");
        await misfits.SendAsync($$"""{"ack":{{id}},"data":"many"}""");
        await leaves.CloseAsync();
        BroadcastAcks<int> acks = await Within.TimeAsync(asking, "the acks");

        acks.Should().HaveCount(5);
        acks.Values.Should().Equal(42);
        acks.Single(a => a.Outcome == AckOutcome.Answered).Sid.Should().Be(answers.Sid);
        acks.Single(a => a.Sid == fails.Sid).Error!.Code.Should().Be("busy");
        acks.Single(a => a.Sid == misfits.Sid).Error!.Code.Should().Be("invalid_data");
        acks.Left.Should().Equal(leaves.Sid);
        acks.TimedOut.Should().Equal(isSilent.Sid);
    }

    [Fact]
    public async Task Acks_of_many_come_as_soon_as_the_last_has_answered()
    {
        (EventServerHost host, EventClient client, EventSocket socket) = await StartAsync();
        await using EventServerHost _ = host;
        await using EventClient __ = client;

        Task<BroadcastAcks<string>> asking = host.Io.Timeout(TimeSpan.FromMinutes(10)).EmitWithAcksAsync<string>("q");
        long id = (await client.EventAsync("q")).GetProperty("id").GetInt64();
        await client.SendAsync($$"""{"ack":{{id}},"data":"yes"}""");

        (await Within.TimeAsync(asking, "the acks")).Values.Should().Equal("yes");
        (await host.Io.To("nobody").EmitWithAcksAsync<string>("q")).Should().BeEmpty();
        socket.Connected.Should().BeTrue();
    }

    [Fact]
    public async Task A_thousand_pipelined_events_are_acked_in_order()
    {
        const int Count = 1_000;
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("n", async (EventSocket _, int n) =>
        {
            if (n % 7 == 0)
            {
                await Task.Yield();
            }

            return n;
        }));
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);

        Task sending = Task.Run(async () =>
        {
            for (int i = 0; i < Count; i++)
            {
                await raw.SendTextAsync($$"""{"event":"n","data":{{i}},"id":{{i}}}""");
            }
        });
        for (int i = 0; i < Count; i++)
        {
            JsonElement ack = (await raw.ReadAsync()).Json;
            ack.GetProperty("ack").GetInt32().Should().Be(i);
            ack.GetProperty("data").GetInt32().Should().Be(i);
        }

        await sending;
    }

    private static async Task<(EventServerHost Host, EventClient Client, EventSocket Socket)> StartAsync(Action<EventServerOptions>? options = null)
    {
        EventServerHost host = await EventServerHost.StartAsync(options: options);
        EventClient client = await EventClient.ConnectAsync(host);
        await Within.UntilAsync(() => host.Io.Root.FindSocket(client.Sid) is { Connected: true }, "the socket is there");
        return (host, client, host.Io.Root.FindSocket(client.Sid)!);
    }
}

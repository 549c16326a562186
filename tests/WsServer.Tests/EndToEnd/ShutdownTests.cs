using System.Text.Json;
using FluentAssertions;
using Microsoft.AspNetCore.Http.Features;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class ShutdownTests
{
    [Fact]
    public async Task Clients_are_told_running_handlers_finish_nothing_new_begins_and_the_close_is_1001()
    {
        var go = new TaskCompletionSource();
        var reason = new TaskCompletionSource<DisconnectReason>();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.On("slow", async _ =>
            {
                await go.Task;
                return "done";
            });
            io.OnDisconnect((_, why) => reason.SetResult(why));
            io.Of("/news");
        });
        await using EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync("""{"event":"slow","id":1}""");
        await client.SyncAsync();

        Task stopping = host.App.StopAsync();
        JsonElement told = await client.ErrorAsync("shutting_down");
        using (RawWebSocket raw = await RawWebSocket.RequestAsync(host))
        {
            raw.Status.Should().Be(503);
        }

        JsonElement refused = await client.AskAsync("slow");
        await client.SendAsync("""{"connect":"/news"}""");
        JsonElement notJoined = await client.ExpectAsync("connect_error");
        stopping.IsCompleted.Should().BeFalse();
        go.SetResult();

        told.GetProperty("retryAfterMs").GetInt32().Should().BeInRange(1_000, 3_000);
        refused.GetProperty("error").GetProperty("code").GetString().Should().Be("shutting_down");
        notJoined.GetProperty("error").GetProperty("code").GetString().Should().Be("shutting_down");
        (await client.AckAsync(1)).GetProperty("data").GetString().Should().Be("done");
        (await client.ClosedAsync()).Should().Be(1001);
        (await Within.TimeAsync(reason.Task, "the disconnect")).Should().Be(DisconnectReason.ServerShuttingDown);
        await Within.TimeAsync(stopping, "the stop");
    }

    [Fact]
    public async Task A_pending_ack_may_still_come()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);
        Task<string> asking = host.Io.Root.FindSocket(client.Sid)!.EmitAsync<string>("q", 1, TimeSpan.FromSeconds(20));
        long id = (await client.EventAsync("q")).GetProperty("id").GetInt64();

        Task stopping = host.App.StopAsync();
        await client.ErrorAsync("shutting_down");
        await client.SendAsync($$"""{"ack":{{id}},"data":"in time"}""");

        (await Within.TimeAsync(asking, "the ack")).Should().Be("in time");
        (await client.ClosedAsync()).Should().Be(1001);
        await Within.TimeAsync(stopping, "the stop");
    }

    [Fact]
    public async Task Each_client_is_told_a_delay_of_its_own()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(options: o => o.ReconnectDelay = TimeSpan.FromSeconds(10));
        var clients = new List<EventClient>();
        for (int i = 0; i < 8; i++)
        {
            clients.Add(await EventClient.ConnectAsync(host));
        }

        Task stopping = host.App.StopAsync();
        var delays = new List<int>();
        foreach (EventClient client in clients)
        {
            delays.Add((await client.ErrorAsync("shutting_down")).GetProperty("retryAfterMs").GetInt32());
            (await client.ClosedAsync()).Should().Be(1001);
            await client.DisposeAsync();
        }

        delays.Should().OnlyContain(d => d >= 10_000 && d <= 30_000);
        delays.Distinct().Should().HaveCountGreaterThan(1);
        await Within.TimeAsync(stopping, "the stop");
    }

    [Fact]
    public async Task A_handler_that_never_ends_is_not_waited_for_beyond_the_shutdown_timeout()
    {
        var never = new TaskCompletionSource();
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.On("stuck", async _ => await never.Task),
            o => o.HandlerGracePeriod = TimeSpan.FromMilliseconds(100),
            services: builder => builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(2)));
        await using EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync("""{"event":"stuck","id":1}""");
        await client.SyncAsync();

        Task stopping = host.App.StopAsync();

        (await client.ClosedAsync()).Should().Be(1001);
        await Within.TimeAsync(stopping, "the stop");
        host.Log.Entries.Should().Contain(e => e.Message.Contains("when the time was up"));
        never.SetResult();
    }

    [Fact]
    public async Task A_client_that_does_not_answer_the_close_does_not_keep_the_server()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(options: o => o.CloseTimeout = TimeSpan.FromMilliseconds(300));
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);

        Task stopping = host.App.StopAsync();

        (await raw.ReadAsync()).Json.GetProperty("error").GetProperty("code").GetString().Should().Be("shutting_down");
        (await raw.ReadAsync()).CloseStatus.Should().Be(1001);
        await Within.TimeAsync(stopping, "the stop");
        host.Io.ConnectionCount.Should().Be(0);
    }

    [Fact]
    public async Task A_connection_that_comes_in_while_the_server_stops_is_told_and_closed_as_well()
    {
        var gate = new TaskCompletionSource();
        var entered = new TaskCompletionSource();
        await using EventServerHost host = await EventServerHost.StartAsync(endpoints: app => app.Use((context, next) =>
        {
            context.Features.Set<IHttpUpgradeFeature>(new SlowUpgrade(context.Features.GetRequiredFeature<IHttpUpgradeFeature>(), entered, gate.Task));
            return next(context);
        }));
        Task<RawWebSocket> connecting = RawWebSocket.RequestAsync(host);
        await Within.TimeAsync(entered.Task, "the upgrade");

        Task stopping = host.App.StopAsync();
        await Within.UntilAsync(() => host.Log.Entries.Any(e => e.Message.StartsWith("Shutting down", StringComparison.Ordinal)), "the server stops");
        gate.SetResult();

        using RawWebSocket raw = await connecting;
        List<RawFrame> frames = [];
        do
        {
            frames.Add(await raw.ReadAsync());
        }
        while (frames[^1].Opcode != RawFrame.Close);
        await raw.SendCloseAsync(1001);
        frames[0].Json.GetProperty("error").GetProperty("code").GetString().Should().Be("shutting_down");
        frames[^1].CloseStatus.Should().Be(1001);
        await Within.TimeAsync(stopping, "the stop");
    }

    private sealed class SlowUpgrade(IHttpUpgradeFeature inner, TaskCompletionSource entered, Task gate) : IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => inner.IsUpgradableRequest;

        public async Task<Stream> UpgradeAsync()
        {
            entered.SetResult();
            await gate;
            return await inner.UpgradeAsync();
        }
    }
}

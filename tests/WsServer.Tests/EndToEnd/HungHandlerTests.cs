using System.Diagnostics.Metrics;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>A handler that does not return: who is harmed, and how one finds it.</summary>
public class HungHandlerTests
{
    private static readonly TimeSpan HungAfter = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_hung_handler_is_in_the_dump_the_log_and_the_metrics_and_others_are_served()
    {
        var time = new ManualTime();
        var never = new TaskCompletionSource();
        await using EventServerHost host = await StartAsync(time, io => io.On("stuck", async _ => await never.Task));
        await using EventClient client = await EventClient.ConnectAsync(host);
        await using EventClient other = await EventClient.ConnectAsync(host);
        host.Io.GetRunningHandlers().Should().BeEmpty();

        await client.SendAsync("""{"event":"stuck"}""");
        await Within.UntilAsync(() => host.Io.GetRunningHandlers() is [{ Event: "stuck" }], "the handler runs");
        time.Advance(TimeSpan.FromSeconds(9));
        (Hung(host), host.Log.Entries.Any(e => e.Message.Contains("more than 10 s"))).Should().Be((0, false));
        time.Advance(TimeSpan.FromSeconds(3));
        time.Advance(TimeSpan.FromSeconds(3));

        RunningHandler running = host.Io.GetRunningHandlers().Should().ContainSingle().Subject;
        running.Should().Match<RunningHandler>(r => r.Event == "stuck" && r.Sid == client.Sid && r.Namespace == "/" && r.IsConnected);
        running.Elapsed.Should().BeCloseTo(TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(1));
        Hung(host).Should().Be(1);
        host.Log.Entries.Where(e => e.Message.Contains("more than 10 s")).Should().ContainSingle("it is said once")
            .Which.Message.Should().Contain("stuck").And.Contain(client.Sid);
        (await other.AskAsync("echo", "1")).GetProperty("data").GetInt32().Should().Be(1);

        never.SetResult();
        await Within.UntilAsync(() => host.Io.GetRunningHandlers().Count == 0, "the handler has returned");
        time.Advance(TimeSpan.FromSeconds(2));
        Hung(host).Should().Be(0);
    }

    [Fact]
    public async Task A_handler_that_blocks_its_thread_is_in_the_dump_too()
    {
        var time = new ManualTime();
        using var go = new ManualResetEventSlim();
        await using EventServerHost host = await StartAsync(time, io => io.On("block", _ => go.Wait()));
        await using EventClient client = await EventClient.ConnectAsync(host);
        await using EventClient other = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"event":"block"}""");
        await Within.UntilAsync(() => host.Io.GetRunningHandlers() is [{ Event: "block" }], "the handler blocks");
        (await other.AskAsync("echo", "1")).GetProperty("data").GetInt32().Should().Be(1);

        go.Set();
        await Within.UntilAsync(() => host.Io.GetRunningHandlers().Count == 0, "the handler has returned");
    }

    [Fact]
    public async Task A_handler_that_outlives_its_socket_stays_in_the_dump_until_it_returns()
    {
        var time = new ManualTime();
        var never = new TaskCompletionSource();
        await using EventServerHost host = await StartAsync(time, io => io.On("stuck", async _ => await never.Task));
        EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync("""{"event":"stuck"}""");
        await Within.UntilAsync(() => host.Io.GetRunningHandlers() is [{ Event: "stuck" }], "the handler runs");

        await client.DisposeAsync();
        await Within.UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return host.Io.ConnectionCount == 0;
            },
            "the connection is gone");

        time.Advance(TimeSpan.FromSeconds(11));
        host.Io.GetRunningHandlers().Should().ContainSingle().Which.Should().Match<RunningHandler>(r => r.Event == "stuck" && !r.IsConnected);
        Hung(host).Should().Be(1);

        never.SetResult();
        await Within.UntilAsync(() => host.Io.GetRunningHandlers().Count == 0, "the handler has returned");
    }

    [Fact]
    public async Task Joining_and_going_are_in_the_dump_by_their_names()
    {
        var time = new ManualTime();
        var join = new TaskCompletionSource();
        var leave = new TaskCompletionSource();
        await using EventServerHost host = await StartAsync(time, io =>
        {
            io.OnConnection(_ => join.Task);
            io.OnDisconnect((_, _) => leave.Task);
        });
        EventClient client = await EventClient.ConnectAsync(host);
        await Within.UntilAsync(() => host.Io.GetRunningHandlers() is [{ Event: "connection" }], "it joins");
        join.SetResult();
        await Within.UntilAsync(() => host.Io.GetRunningHandlers().Count == 0, "it has joined");

        await client.DisposeAsync();
        await Within.UntilAsync(() => host.Io.GetRunningHandlers() is [{ Event: "disconnect", IsConnected: false }], "it goes");
        leave.SetResult();
        await Within.UntilAsync(() => host.Io.GetRunningHandlers().Count == 0, "it has gone");
    }

    private static Task<EventServerHost> StartAsync(ManualTime time, Action<EventServer> setup) => EventServerHost.StartAsync(
        io =>
        {
            io.OnRaw("echo", (_, data) => data);
            setup(io);
        },
        o =>
        {
            o.HungHandlerAfter = HungAfter;
            o.HandlerGracePeriod = TimeSpan.FromSeconds(1);
        },
        services: builder => builder.Services.AddSingleton<TimeProvider>(time));

    /// <summary>What the gauge says.</summary>
    private static int Hung(EventServerHost host)
    {
        int hung = -1;
        using var listener = new MeterListener();
        var own = host.App.Services.GetRequiredService<IMeterFactory>();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Name == "wsserver.handlers.hung" && instrument.Meter.Scope == own)
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<int>((_, value, _, _) => hung = value);
        listener.Start();
        listener.RecordObservableInstruments();
        return hung;
    }
}

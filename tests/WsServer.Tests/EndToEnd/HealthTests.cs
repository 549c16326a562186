using System.Net;
using FluentAssertions;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using WsServer.Diagnostics;
using WsServer.Tests.SocketIO.Engine;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>What a balancer is told, and when.</summary>
public class HealthTests
{
    private const string OpenPolling = "EIO=4&transport=polling";

    [Fact]
    public async Task A_stopping_server_is_not_ready_first_still_serves_for_the_drain_delay_and_then_tells_its_clients()
    {
        var time = new ManualTime();
        await using EventServerHost host = await StartAsync(
            o => o.DrainDelay = TimeSpan.FromSeconds(5), builder => builder.Services.AddSingleton<TimeProvider>(time));
        await using EventClient before = await EventClient.ConnectAsync(host);
        (await HealthAsync(host)).Should().Be((HttpStatusCode.OK, "Healthy"));

        Task stopping = host.App.StopAsync();
        await Within.UntilAsync(() => time.TimersWithin(TimeSpan.FromSeconds(5)) > 0 && !host.Io.IsReady, "the server waits out its delay");
        (await HealthAsync(host)).Should().Be((HttpStatusCode.ServiceUnavailable, "Unhealthy"));
        await using (EventClient during = await EventClient.ConnectAsync(host))
        {
            (await during.AskAsync("echo", "1")).GetProperty("data").GetInt32().Should().Be(1);
            host.Io.TakesConnections.Should().BeTrue();
        }

        (await before.AskAsync("echo", "2")).GetProperty("data").GetInt32().Should().Be(2);
        before.Waiting.Should().BeEmpty("nobody is told before the delay is over");

        Task told = before.ErrorAsync("shutting_down");
        await Within.UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(500));
                return told.IsCompleted;
            },
            "the clients are told");
        await Within.UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(20));
                return stopping.IsCompleted;
            },
            "the server has stopped");
        (await before.ClosedAsync()).Should().Be(1001);
        host.Io.TakesConnections.Should().BeFalse();
    }

    [Fact]
    public async Task A_full_server_is_degraded_until_somebody_goes()
    {
        await using EventServerHost host = await StartAsync(o => o.MaxConnections = 1);
        await using (EventClient client = await EventClient.ConnectAsync(host))
        {
            (await HealthAsync(host)).Should().Be((HttpStatusCode.OK, "Degraded"));
            host.Io.TakesConnections.Should().BeFalse();
        }

        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the client is gone");
        (await HealthAsync(host)).Should().Be((HttpStatusCode.OK, "Healthy"));
    }

    [Fact]
    public async Task Under_memory_pressure_new_connections_are_refused_old_ones_served_and_when_it_is_over_all_is_as_before()
    {
        var memory = new FakeMemory { UsedBytes = 500 };
        var time = new ManualTime();
        await using EventServerHost host = await StartAsync(
            o => o.MemoryPressure = 0.8,
            builder => builder.Services.AddSingleton<MemoryProbe>(memory).AddSingleton<TimeProvider>(time));
        await using EventClient client = await EventClient.ConnectAsync(host);

        memory.UsedBytes = 799;
        time.Advance(TimeSpan.FromSeconds(2));
        (await HealthAsync(host)).Should().Be((HttpStatusCode.OK, "Healthy"));
        memory.UsedBytes = 800;
        time.Advance(TimeSpan.FromSeconds(2));

        (await HealthAsync(host)).Should().Be((HttpStatusCode.OK, "Degraded"));
        memory.Collections.Should().Be(1, "what is free is given back before clients pay for it");
        using (RawWebSocket refused = await RawWebSocket.RequestAsync(host))
        {
            refused.Status.Should().Be(503);
            refused.Headers.Should().ContainKey("retry-after");
        }

        host.Io.TakesConnections.Should().BeFalse();
        using (RawWebSocket refused = await RawWebSocket.RequestAsync(host, "/socket.io/?EIO=4&transport=websocket"))
        {
            refused.Status.Should().Be(503);
            refused.Headers.Should().ContainKey("retry-after");
        }

        using var socketIO = new EngineClient(new Uri(host.Http, "/socket.io/"));
        (await socketIO.RequestAsync(OpenPolling)).Code.Should().Be("503 3");

        (await client.AskAsync("echo", "1")).GetProperty("data").GetInt32().Should().Be(1);
        host.Log.Entries.Should().ContainSingle(e => e.Message.Contains("No more connections are taken") && e.Message.Contains("MemoryPressure"));

        // Not at once below the bound, but a little below it.
        memory.UsedBytes = 770;
        time.Advance(TimeSpan.FromSeconds(2));
        (await HealthAsync(host)).Should().Be((HttpStatusCode.OK, "Degraded"));
        memory.UsedBytes = 750;
        time.Advance(TimeSpan.FromSeconds(2));
        (await HealthAsync(host)).Should().Be((HttpStatusCode.OK, "Healthy"));
        host.Io.TakesConnections.Should().BeTrue();
        await using EventClient another = await EventClient.ConnectAsync(host);
        (await socketIO.RequestAsync(OpenPolling)).Code.Should().Be("200");
    }

    [Fact]
    public async Task Memory_that_a_collection_gives_back_is_no_pressure()
    {
        var memory = new FakeMemory { UsedBytes = 950, UsedAfterCollection = 300 };
        var time = new ManualTime();
        await using EventServerHost host = await StartAsync(
            services: builder => builder.Services.AddSingleton<MemoryProbe>(memory).AddSingleton<TimeProvider>(time));
        await using EventClient client = await EventClient.ConnectAsync(host);

        time.Advance(TimeSpan.FromSeconds(2));

        memory.Collections.Should().Be(1);
        await using EventClient another = await EventClient.ConnectAsync(host);
    }

    private static Task<EventServerHost> StartAsync(Action<EventServerOptions>? options = null, Action<WebApplicationBuilder>? services = null) =>
        EventServerHost.StartAsync(
            io => io.OnRaw("echo", (_, data) => data),
            options,
            services: builder =>
            {
                builder.Services.AddHealthChecks().AddEvents();
                services?.Invoke(builder);
            },
            endpoints: app =>
            {
                app.MapHealthChecks("/health/ready", new HealthCheckOptions());
                app.MapSocketIO();
            });

    private static async Task<(HttpStatusCode Status, string Body)> HealthAsync(EventServerHost host)
    {
        using var http = new HttpClient();
        using HttpResponseMessage response = await http.GetAsync(new Uri(host.Http, "/health/ready"));
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private sealed class FakeMemory : MemoryProbe
    {
        public long UsedBytes { get; set; }

        public long? UsedAfterCollection { get; init; }

        public int Collections { get; private set; }

        public override long Used() => UsedBytes;

        public override long Available() => 1_000;

        public override void Collect()
        {
            Collections++;
            UsedBytes = UsedAfterCollection ?? UsedBytes;
        }
    }
}

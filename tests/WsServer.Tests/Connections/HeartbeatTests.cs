using System.Diagnostics.Metrics;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Connections;

public class HeartbeatTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTime _time = new();

    [Fact]
    public async Task A_ping_is_sent_at_the_interval_for_as_long_as_pongs_come()
    {
        await using var server = new InMemoryServer(time: _time);
        HeartbeatTransportPair client = await ConnectAsync(server);
        _time.Advance(Interval - Second);
        client.Pings.Should().Be(0);
        for (int i = 1; i <= 10; i++)
        {
            _time.Advance(Second);
            client.Pings.Should().Be(i);
            _time.Advance(Second);
            client.Pong();
            _time.Advance(Interval - (2 * Second));
        }

        client.IsGoodbyeSaid.Should().BeFalse();
        await InMemoryServer.EndAsync(client);
    }

    [Fact]
    public void What_fails_in_a_tick_is_logged_and_the_next_comes_all_the_same()
    {
        var log = new CollectedLog();
        var ticks = new List<string>();
        using var heartbeat = new Heartbeat([], new EventServerOptions(), _time, log.CreateLogger("test"), () =>
        {
            ticks.Add("tick");
            throw new InvalidOperationException("on purpose");
        });

        _time.Advance(Second);
        _time.Advance(Second);

        ticks.Should().HaveCount(2);
        log.Errors.Should().HaveCount(2);
    }

    [Fact]
    public async Task A_client_without_a_pong_is_closed_after_interval_and_timeout()
    {
        await using var server = new InMemoryServer(time: _time);
        HeartbeatTransportPair client = await ConnectAsync(server);
        _time.Advance(Interval + PingTimeout - Second);
        client.Pings.Should().Be(1);
        client.IsGoodbyeSaid.Should().BeFalse();
        _time.Advance(Second);
        (await client.Goodbye).Should().Be(new TransportClose(1008, "timeout"));
        client.Drain().Should().ContainSingle().Which.Should().Contain("\"timeout\"");
        (await client.Running.WaitAsync(TransportPair.Patience)).Should().Be(DisconnectReason.PingTimeout);
    }

    [Fact]
    public async Task Any_byte_after_the_ping_is_a_sign_of_life()
    {
        await using var server = new InMemoryServer(time: _time);
        HeartbeatTransportPair client = await ConnectAsync(server);
        _time.Advance(Interval + Second);
        client.Send("""{"ping":1}""");
        (await client.ReceiveTextAsync()).Should().Be("""{"pong":1}""");
        _time.Advance(PingTimeout);
        client.IsGoodbyeSaid.Should().BeFalse();
        await InMemoryServer.EndAsync(client);
    }

    [Fact]
    public async Task What_came_before_the_ping_is_none()
    {
        await using var server = new InMemoryServer(time: _time);
        HeartbeatTransportPair client = await ConnectAsync(server);
        _time.Advance(Interval - Second);
        client.Pong();
        _time.Advance(Second + PingTimeout);
        (await client.Goodbye).Description.Should().Be("timeout");
        await client.Running.WaitAsync(TransportPair.Patience);
    }

    [Fact]
    public async Task A_ping_that_cannot_be_sent_gets_no_pong()
    {
        await using var server = new InMemoryServer(time: _time);
        HeartbeatTransportPair client = await ConnectAsync(server);
        client.PingFault = new IOException("Broken.");
        _time.Advance(Interval + PingTimeout);
        (await client.Running.WaitAsync(TransportPair.Patience)).Should().Be(DisconnectReason.PingTimeout);
    }

    [Fact]
    public async Task No_client_is_timed_out_while_the_server_does_not_read_from_it()
    {
        await using var server = new InMemoryServer(o => o.MaxQueuedEvents = 2, _time);
        var release = new TaskCompletionSource();
        int handled = 0;
        long received = 0;
        using MeterListener listener = Listen(server, "wsserver.events.received", count => Interlocked.Add(ref received, count));
        server.Io.On("slow", async _ =>
        {
            await release.Task;
            Interlocked.Increment(ref handled);
        });
        HeartbeatTransportPair client = await ConnectAsync(server);
        for (int i = 0; i < 5; i++)
        {
            client.Send("""{"event":"slow"}""");
        }

        // One event runs, two wait, and with the second of those the reader stops.
        await TransportPair.UntilAsync(() => Interlocked.Read(ref received) == 3, "the reader waits");
        _time.Advance(10 * (Interval + PingTimeout));
        client.IsGoodbyeSaid.Should().BeFalse();

        release.SetResult();
        await TransportPair.UntilAsync(() => Volatile.Read(ref handled) == 5, "all events are handled: nothing was dropped");
        _time.Advance(2 * (Interval + PingTimeout));
        (await client.Running.WaitAsync(TransportPair.Patience)).Should().Be(DisconnectReason.PingTimeout, "the client is silent, and the server reads again");
    }

    [Fact]
    public async Task A_transport_without_pings_is_never_timed_out()
    {
        await using var server = new InMemoryServer(time: _time);
        (TransportPair client, _) = await server.ConnectAsync();
        _time.Advance(TimeSpan.FromHours(1));
        client.IsGoodbyeSaid.Should().BeFalse();
        await InMemoryServer.EndAsync(client);
    }

    private static MeterListener Listen(InMemoryServer server, string name, Action<long> count)
    {
        IMeterFactory factory = server.Services.GetRequiredService<IMeterFactory>();
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Name == name && instrument.Meter.Scope == factory)
                {
                    l.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, measurement, _, _) => count(measurement));
        listener.Start();
        return listener;
    }

    private async Task<HeartbeatTransportPair> ConnectAsync(InMemoryServer server)
    {
        var client = new HeartbeatTransportPair(_time);
        await server.ConnectAsync(transport: client);
        return client;
    }
}

using FluentAssertions;
using WsServer.SocketIO.Engine;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO.Engine;

public class UpgradeTests
{
    [Fact]
    public async Task After_the_upgrade_messages_go_over_the_WebSocket()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        using EngineWebSocket socket = await client.UpgradeAsync();

        await socket.SendAsync("4hello");
        (await socket.ReceiveAsync()).Should().Be("4hello");
        await socket.SendAsync([1, 2, 3, 4]);
        (await socket.ReceiveAsync()).Should().Be("bAQIDBA==");
    }

    [Fact]
    public async Task The_probe_answers_the_poll_that_waits()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        EngineSession session = await host.SessionAsync(client.Sid);
        Task<EngineResponse> poll = client.GetAsync();
        await Within.UntilAsync(() => session.IsPolled, "the poll is there");
        using EngineWebSocket socket = await client.ConnectAsync();

        await socket.SendAsync("2probe");

        (await socket.ReceiveAsync()).Should().Be("3probe");
        (await poll).Body.Should().Be("6");
    }

    [Fact]
    public async Task A_poll_after_the_probe_is_answered_within_100_ms()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        EngineSession session = await host.SessionAsync(client.Sid);
        using EngineWebSocket socket = await client.ConnectAsync();
        await socket.SendAsync("2probe");
        await socket.ReceiveAsync();

        for (int i = 0; i < 2; i++)
        {
            Task<EngineResponse> poll = client.GetAsync();
            await Within.UntilAsync(() => session.IsPolled, "the poll is there");
            await Within.UntilAsync(() => host.Time.TimersWithin(TimeSpan.FromMilliseconds(100)) == 1, "the check is set up");
            host.Time.Advance(TimeSpan.FromMilliseconds(100));
            (await poll).Body.Should().Be("6");
        }
    }

    [Fact]
    public async Task A_poll_that_waits_when_the_client_switches_is_refused()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        EngineSession session = await host.SessionAsync(client.Sid);
        using EngineWebSocket socket = await client.ConnectAsync();
        await socket.SendAsync("2probe");
        await socket.ReceiveAsync();
        await Within.UntilAsync(() => host.Time.TimersWithin(TimeSpan.FromMilliseconds(100)) == 1, "the probe is taken");
        Task<EngineResponse> poll = client.GetAsync();
        await Within.UntilAsync(() => session.IsPolled, "the poll is there");

        await socket.SendAsync("5");

        (await poll).Code.Should().Be("400 3");
        await socket.SendAsync("4a");
        (await socket.ReceiveAsync()).Should().Be("4a");
    }

    [Fact]
    public async Task After_the_upgrade_polling_is_refused_and_a_second_WebSocket_closed_without_harm()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        using EngineWebSocket socket = await client.UpgradeAsync();
        await socket.SendAsync("4a");
        (await socket.ReceiveAsync()).Should().Be("4a");

        (await client.GetAsync()).Code.Should().Be("400 3");
        (await client.PostAsync("4b")).Code.Should().Be("400 3");
        using EngineWebSocket second = await client.ConnectAsync();
        (await second.ReceiveAsync()).Should().BeNull();

        await socket.SendAsync("4still here");
        (await socket.ReceiveAsync()).Should().Be("4still here");
    }

    [Fact]
    public async Task A_second_probe_is_closed_without_harm_to_the_first()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        using EngineWebSocket first = await client.ConnectAsync();
        await first.SendAsync("2probe");
        (await first.ReceiveAsync()).Should().Be("3probe");

        using EngineWebSocket second = await client.ConnectAsync();
        (await second.ReceiveAsync()).Should().BeNull();

        await first.SendAsync("5");
        await first.SendAsync("4a");
        (await first.ReceiveAsync()).Should().Be("4a");
    }

    [Theory]
    [InlineData("2")]
    [InlineData("2wrong")]
    [InlineData("4hello")]
    [InlineData("5")]
    [InlineData("")]
    public async Task Anything_but_a_probe_closes_only_that_WebSocket(string text)
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        using (EngineWebSocket socket = await client.ConnectAsync())
        {
            await socket.SendAsync(text);
            (await socket.ReceiveAsync()).Should().BeNull();
        }

        await client.PostAsync("4a");
        (await client.GetAsync()).Body.Should().Be("4a");
        using EngineWebSocket again = await client.UpgradeAsync();
        await again.SendAsync("4b");
        (await again.ReceiveAsync()).Should().Be("4b");
    }

    [Fact]
    public async Task Anything_but_the_switch_after_the_probe_closes_only_that_WebSocket()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        using EngineWebSocket socket = await client.ConnectAsync();
        await socket.SendAsync("2probe");
        await socket.ReceiveAsync();

        await socket.SendAsync("4not yet");

        (await socket.ReceiveAsync()).Should().BeNull();
        await client.PostAsync("4a");
        (await client.GetAsync()).Body.Should().Be("4a");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_probe_that_takes_too_long_is_closed(bool hasProbed)
    {
        await using EngineHost host = await EngineHost.StartAsync(change: s => s with { UpgradeTimeout = TimeSpan.FromMilliseconds(150) });
        using EngineClient client = await EngineClient.OpenAsync(host);
        using EngineWebSocket socket = await client.ConnectAsync();
        if (hasProbed)
        {
            await socket.SendAsync("2probe");
            await socket.ReceiveAsync();
        }

        // The heartbeat, and this.
        await Within.UntilAsync(() => host.Time.TimersWithin(TimeSpan.FromMilliseconds(150)) >= 1, "the timeout is set up");
        host.Time.Advance(TimeSpan.FromMilliseconds(150));

        (await socket.ReceiveAsync()).Should().BeNull();
        await client.PostAsync("4a");
        (await client.GetAsync()).Body.Should().Be("4a");
    }

    [Fact]
    public async Task A_client_that_goes_while_probing_leaves_the_session_polling()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        using (EngineWebSocket socket = await client.ConnectAsync())
        {
            await socket.SendAsync("2probe");
            await socket.ReceiveAsync();
        }

        await client.PostAsync("4a");
        (await client.GetAsync()).Body.Should().Be("4a");
    }

    [Fact]
    public async Task The_end_of_a_session_ends_its_probe()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        using EngineWebSocket socket = await client.ConnectAsync();
        await socket.SendAsync("2probe");
        await socket.ReceiveAsync();

        Task post = client.PostAsync("1");

        (await socket.ReceiveAsync()).Should().BeNull();
        await host.AdvanceUntilAsync(post);
    }
}

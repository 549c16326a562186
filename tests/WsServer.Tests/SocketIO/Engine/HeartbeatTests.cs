using System.Text.Json;
using FluentAssertions;
using WsServer.Connections;
using WsServer.SocketIO.Engine;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO.Engine;

public class HeartbeatTests
{
    [Fact]
    public async Task Over_polling_the_server_pings_an_interval_after_the_open_and_after_each_pong()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);

        for (int i = 0; i < 3; i++)
        {
            host.Time.Advance(TimeSpan.FromMilliseconds(299));
            await client.PostAsync("4not yet");
            (await client.GetAsync()).Body.Should().Be("4not yet");
            host.Time.Advance(TimeSpan.FromMilliseconds(1));
            (await client.GetAsync()).Body.Should().Be("2");
            host.Time.Advance(TimeSpan.FromMilliseconds(199));
            (await client.PostAsync("3")).Body.Should().Be("ok");
        }
    }

    [Fact]
    public async Task Over_a_WebSocket_the_server_pings_an_interval_after_the_open_and_after_each_pong()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using var client = new EngineClient(host.Http);
        using EngineWebSocket socket = await client.ConnectAsync("EIO=4&transport=websocket");
        await socket.ReceiveAsync();

        for (int i = 0; i < 3; i++)
        {
            host.Time.Advance(TimeSpan.FromMilliseconds(300));
            (await socket.ReceiveAsync()).Should().Be("2");
            host.Time.Advance(TimeSpan.FromMilliseconds(199));
            await socket.SendAsync("3");
            await socket.SendAsync("4heard");
            (await socket.ReceiveAsync()).Should().Be("4heard");
        }
    }

    [Fact]
    public async Task Silence_over_polling_ends_the_session_exactly_then()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);

        host.Time.Advance(TimeSpan.FromMilliseconds(499));
        (await client.GetAsync()).Body.Should().Be("2");
        host.Time.Advance(TimeSpan.FromMilliseconds(1));

        (await client.GetAsync()).Code.Should().Be("400 1");
        (await host.EndAsync(client.Sid)).Should().Be(nameof(TimeoutException));
    }

    [Fact]
    public async Task A_poll_that_waits_is_answered_with_the_end()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        host.Time.Advance(TimeSpan.FromMilliseconds(300));
        (await client.GetAsync()).Body.Should().Be("2");
        EngineSession session = await host.SessionAsync(client.Sid);
        Task<EngineResponse> poll = client.GetAsync();
        await Within.UntilAsync(() => session.IsPolled, "the poll is there");

        host.Time.Advance(TimeSpan.FromMilliseconds(200));

        (await poll).Body.Should().Be("1");
    }

    [Fact]
    public async Task Messages_are_no_pong()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        host.Time.Advance(TimeSpan.FromMilliseconds(400));
        (await client.PostAsync("4a")).Body.Should().Be("ok");

        host.Time.Advance(TimeSpan.FromMilliseconds(100));

        (await host.EndAsync(client.Sid)).Should().Be(nameof(TimeoutException));
    }

    [Fact]
    public async Task Silence_over_a_WebSocket_ends_the_session()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using var client = new EngineClient(host.Http);
        using EngineWebSocket socket = await client.ConnectAsync("EIO=4&transport=websocket");
        string sid = JsonElement.Parse((await socket.ReceiveAsync())![1..]).GetProperty("sid").GetString()!;
        await host.SessionAsync(sid);

        host.Time.Advance(TimeSpan.FromMilliseconds(300));
        (await socket.ReceiveAsync()).Should().Be("2");
        await Within.UntilAsync(() => host.Sessions[sid].IsReceiving, "the server reads");
        host.Time.Advance(TimeSpan.FromMilliseconds(200));

        (await socket.ReceiveAsync()).Should().BeNull();
        (await host.EndAsync(sid)).Should().StartWith(nameof(TimeoutException));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_is_not_silent_while_the_server_does_not_read(bool isWebSocket)
    {
        var taken = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        await using EngineHost host = await EngineHost.StartAsync(async session =>
        {
            while ((await session.ReceiveAsync(CancellationToken.None)).Kind == TransportMessageKind.Text)
            {
                taken.TrySetResult();
                await goOn.Task;
                await EngineHost.SendAsync(session, "on");
            }
        });
        using EngineClient client = await EngineClient.OpenAsync(host);
        using EngineWebSocket? socket = isWebSocket ? await client.UpgradeAsync() : null;
        Task sending = socket is null ? client.PostAsync("4a") : socket.SendAsync("4a");
        await Within.TimeAsync(taken.Task, "the message");
        host.Time.Advance(TimeSpan.FromMilliseconds(300));

        for (int i = 0; i < 10; i++)
        {
            host.Time.Advance(TimeSpan.FromMilliseconds(200));
        }

        host.Ends.Should().BeEmpty();
        goOn.SetResult();
        await Within.TimeAsync(sending, "the post");
        if (socket is null)
        {
            (await client.GetAsync()).Body.Should().Be("2\u001e4on");
        }
        else
        {
            (await socket.ReceiveAsync()).Should().Be("2");
            (await socket.ReceiveAsync()).Should().Be("4on");
        }
    }

    [Fact]
    public async Task A_ping_of_the_client_over_a_WebSocket_ends_the_session()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        using EngineWebSocket socket = await client.UpgradeAsync();

        await socket.SendAsync("2");

        (await socket.ReceiveAsync()).Should().BeNull();
        (await host.EndAsync(client.Sid)).Should().Be(nameof(InvalidDataException));
    }

    [Fact]
    public async Task A_session_that_was_opened_and_left_gives_its_place_back()
    {
        await using EngineHost host = await EngineHost.StartAsync(change: s => s with { MaxSessions = 3 });
        for (int i = 0; i < 3; i++)
        {
            using EngineClient client = await EngineClient.OpenAsync(host);
        }

        host.Time.Advance(TimeSpan.FromMilliseconds(500));

        await Within.UntilAsync(() => host.Ends.Count == 3, "they have ended");
        using EngineClient another = await EngineClient.OpenAsync(host);
        host.Time.TimersWithin(TimeSpan.FromDays(1)).Should().Be(1, "only the new session has something to wait for");
    }
}

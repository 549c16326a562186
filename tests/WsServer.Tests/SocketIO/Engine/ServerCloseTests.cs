using System.Net.WebSockets;
using FluentAssertions;
using WsServer.Connections;
using WsServer.SocketIO.Engine;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO.Engine;

public class ServerCloseTests
{
    private static readonly TransportClose Close = new(1000, "");

    [Fact]
    public async Task The_poll_that_waits_is_told()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        EngineSession session = await host.SessionAsync(client.Sid);
        Task<EngineResponse> poll = client.GetAsync();
        await Within.UntilAsync(() => session.IsPolled, "the poll is there");

        await session.CloseAsync(Close, CancellationToken.None);

        (await poll).Body.Should().Be("1");
        (await host.EndAsync(client.Sid)).Should().Be("closed");
        (await client.GetAsync()).Code.Should().Be("400 1");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_next_poll_is_told_behind_what_waits(bool isDisposed)
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        EngineSession session = await host.SessionAsync(client.Sid);

        await EngineHost.SendAsync(session, "last");
        await session.CloseAsync(Close, CancellationToken.None);
        if (isDisposed)
        {
            await session.DisposeAsync();
        }

        host.Time.Advance(TimeSpan.FromSeconds(29));
        (await client.GetAsync()).Body.Should().Be("4last\u001e1");
        (await client.GetAsync()).Code.Should().Be("400 1");
    }

    [Fact]
    public async Task A_goodbye_is_kept_for_30_seconds()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        EngineSession session = await host.SessionAsync(client.Sid);
        await session.CloseAsync(Close, CancellationToken.None);
        await session.DisposeAsync();

        host.Time.Advance(TimeSpan.FromSeconds(30));

        (await client.GetAsync()).Code.Should().Be("400 1");
        host.Time.TimersWithin(TimeSpan.FromDays(1)).Should().Be(0);
    }

    [Fact]
    public async Task A_session_that_is_let_go_without_a_goodbye_says_it_too()
    {
        await using EngineHost host = await EngineHost.StartAsync(_ => Task.CompletedTask);
        using EngineClient client = await EngineClient.OpenAsync(host);

        (await client.GetAsync()).Body.Should().Be("1");
    }

    [Fact]
    public async Task No_WebSocket_becomes_the_transport_of_a_session_that_is_closing()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        EngineSession session = await host.SessionAsync(client.Sid);
        await session.CloseAsync(Close, CancellationToken.None);

        using EngineWebSocket socket = await client.ConnectAsync();

        (await socket.ReceiveAsync()).Should().BeNull();
        (await client.GetAsync()).Body.Should().Be("1");
    }

    [Fact]
    public async Task Over_a_WebSocket_the_close_has_the_servers_status()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        using EngineWebSocket socket = await client.UpgradeAsync();
        await socket.SendAsync("4a");
        await socket.ReceiveAsync();

        await (await host.SessionAsync(client.Sid)).CloseAsync(new TransportClose(1001, ""), CancellationToken.None);

        (await socket.ReceiveAsync()).Should().BeNull();
        socket.CloseStatus.Should().Be(WebSocketCloseStatus.EndpointUnavailable);
    }

    [Fact]
    public async Task A_server_that_gives_up_wakes_its_reader_and_its_sender()
    {
        using var abort = new CancellationTokenSource();
        await using EngineHost host = await EngineHost.StartAsync(async session =>
        {
            Task receiving = session.ReceiveAsync(abort.Token).AsTask();
            Task sending = Task.Run(async () =>
            {
                while (true)
                {
                    await session.SendAsync(new[] { WsServer.Wire.EncodedPacket.Create(new byte[10_000], isBinary: true) }, abort.Token);
                }
            });
            await Task.WhenAll(receiving, sending);
        });
        using EngineClient client = await EngineClient.OpenAsync(host);

        await abort.CancelAsync();

        (await host.EndAsync(client.Sid)).Should().EndWith("CanceledException");
        (await client.GetPacketsAsync(1)).Should().Contain("1");
    }
}

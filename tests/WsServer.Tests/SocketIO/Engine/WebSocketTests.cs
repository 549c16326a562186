using FluentAssertions;
using WsServer.Connections;
using Xunit;

namespace WsServer.Tests.SocketIO.Engine;

public class WebSocketTests
{
    [Fact]
    public async Task A_goodbye_over_the_WebSocket_ends_the_session_at_once()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        using EngineWebSocket socket = await client.UpgradeAsync();

        await socket.SendAsync("1");

        (await socket.ReceiveAsync()).Should().BeNull();
        (await host.EndAsync(client.Sid)).Should().Be("closed");
        (await client.GetAsync()).Code.Should().Be("400 1");
    }

    [Theory]
    [InlineData("abc")]
    [InlineData("")]
    [InlineData("7")]
    public async Task What_is_no_packet_ends_the_session(string text)
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        using EngineWebSocket socket = await client.UpgradeAsync();

        await socket.SendAsync(text);

        (await socket.ReceiveAsync()).Should().BeNull();
        (await host.EndAsync(client.Sid)).Should().Be(nameof(InvalidDataException));
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_told_as_such()
    {
        TransportMessageKind kind = default;
        await using EngineHost host = await EngineHost.StartAsync(async session => kind = (await session.ReceiveAsync(CancellationToken.None)).Kind);
        using EngineClient client = await EngineClient.OpenAsync(host);
        using EngineWebSocket socket = await client.UpgradeAsync();

        await socket.SendAsync("4" + new string('x', 10_000));

        await host.EndAsync(client.Sid);
        kind.Should().Be(TransportMessageKind.TooLarge);
    }
}

using System.Text;
using FluentAssertions;
using WsServer.Connections;
using Xunit;

namespace WsServer.Tests.SocketIO.Engine;

public class ClientCloseTests
{
    [Fact]
    public async Task A_client_that_says_goodbye_gets_its_poll_answered()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);

        // Whichever arrives first.
        Task<EngineResponse> poll = client.GetAsync();
        (await client.PostAsync("1")).Body.Should().Be("ok");

        (await poll).Body.Should().Be("6");
        (await host.EndAsync(client.Sid)).Should().Be("closed");
        (await client.GetAsync()).Code.Should().Be("400 1");
    }

    [Fact]
    public async Task A_goodbye_without_a_poll_waits_for_one_and_not_for_long()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);

        Task<EngineResponse> post = client.PostAsync("1");
        (await host.EndAsync(client.Sid)).Should().Be("closed");
        await host.AdvanceUntilAsync(post);

        (await post).Body.Should().Be("ok");
        (await client.GetAsync()).Code.Should().Be("400 1");
    }

    [Fact]
    public async Task A_poll_that_comes_a_moment_behind_a_goodbye_is_answered()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);

        Task<EngineResponse> post = client.PostAsync("1");
        (await host.EndAsync(client.Sid)).Should().Be("closed");

        (await client.GetAsync()).Body.Should().Be("6");
        (await post).Body.Should().Be("ok");
        (await client.GetAsync()).Code.Should().Be("400 1");
    }

    [Fact]
    public async Task What_a_client_says_before_its_goodbye_is_heard()
    {
        var heard = new List<string>();
        await using EngineHost host = await EngineHost.StartAsync(async session =>
        {
            TransportMessage message;
            while ((message = await session.ReceiveAsync(CancellationToken.None)).Kind == TransportMessageKind.Text)
            {
                heard.Add(Encoding.UTF8.GetString(message.Payload.Span));
            }
        });
        using EngineClient client = await EngineClient.OpenAsync(host);

        Task<EngineResponse> poll = client.GetAsync();
        (await client.PostAsync("4a", "4b", "1", "4c")).Body.Should().Be("ok");

        (await poll).Body.Should().Be("6");
        (await host.EndAsync(client.Sid)).Should().Be("closed");
        heard.Should().Equal("4a", "4b");
    }
}

using System.Net;
using System.Security.Claims;
using FluentAssertions;
using WsServer.Tests.SocketIO.Engine;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO;

/// <summary>A session is its user's: whoever else has come by its id does not find it.</summary>
public class SocketIOIdentityTests
{
    [Theory]
    [InlineData("ann", "bob")]
    [InlineData("ann", "")]
    [InlineData("", "bob")]
    public async Task Nobody_else_can_poll_post_or_upgrade_a_session(string owner, string other)
    {
        await using EventServerHost host = await StartAsync();
        using EngineClient client = await OpenAsync(host, owner);
        string session = $"EIO=4&sid={client.Sid}&user={other}";

        (await client.RequestAsync($"{session}&transport=polling")).Code.Should().Be("400 1");
        (await client.RequestAsync($"{session}&transport=polling", "POST", new StringContent("1"))).Code.Should().Be("400 1");
        Func<Task> upgrading = () => client.ConnectAsync($"{session}&transport=websocket");
        (await upgrading.Should().ThrowAsync<HttpRequestException>()).Which.StatusCode.Should().Be(HttpStatusCode.BadRequest);

        // Whose it is has noticed nothing.
        (await client.PostAsync("40")).Code.Should().Be("200");
        (await client.GetAsync()).Body.Should().StartWith("40{");
    }

    [Fact]
    public async Task Its_user_can_upgrade_it()
    {
        await using EventServerHost host = await StartAsync();
        using EngineClient client = await OpenAsync(host, "ann");

        using EngineWebSocket socket = await client.UpgradeAsync();

        await socket.SendAsync("40");
        (await socket.ReceiveAsync()).Should().StartWith("40{");
    }

    [Fact]
    public async Task Guessing_at_the_sessions_of_others_counts_as_attempts()
    {
        await using EventServerHost host = await StartAsync(l => (l.LimitLoopback, l.ConnectionAttemptBurst, l.ConnectionAttemptsPerSecond) = (true, 3, 1));
        using EngineClient client = await OpenAsync(host, "ann");

        var codes = new List<string>();
        while (!codes.Contains("429 3") && codes.Count < 1_000)
        {
            codes.Add((await client.RequestAsync($"EIO=4&transport=polling&sid={client.Sid}&user=bob")).Code);
        }

        codes.Should().HaveCountGreaterThan(2).And.OnlyContain(c => c == "400 1" || c == "429 3");
    }

    private static Task<EventServerHost> StartAsync(Action<EventServerLimits>? limits = null) => EventServerHost.StartAsync(
        options: o => limits?.Invoke(o.Limits),
        endpoints: app =>
        {
            app.Use((context, next) =>
            {
                if (context.Request.Query["user"].ToString() is { Length: > 0 } user)
                {
                    context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, user)], "test"));
                }

                return next(context);
            });
            app.MapSocketIO();
        });

    private static async Task<EngineClient> OpenAsync(EventServerHost host, string user)
    {
        var client = new EngineClient(new Uri(host.Http, "/socket.io/"));
        await client.OpenAsync($"&user={user}");
        return client;
    }
}

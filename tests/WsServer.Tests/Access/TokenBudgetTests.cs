using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json;
using FluentAssertions;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Access;

/// <summary>How many tokens inside a connection are looked at: ten here, and one more each second.</summary>
public class TokenBudgetTests
{
    private const int Burst = 10;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Ten_tokens_are_looked_at_and_one_more_when_a_second_has_passed(bool areValid)
    {
        var time = new ManualTime();
        await using EventServerHost host = await StartAsync(time: time);
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada"));
        string? answer = areValid ? null : "unauthorized";
        for (int i = 0; i < Burst; i++)
        {
            CodeOf(await client.AskAsync("$auth", Token())).Should().Be(answer);
        }

        JsonElement refused = await client.AskAsync("$auth", Token());
        CodeOf(refused).Should().Be("rate_limited");
        refused.GetProperty("error").GetProperty("retryAfterMs").GetInt32().Should().Be(1_000);
        time.Advance(TimeSpan.FromMilliseconds(999));
        CodeOf(await client.AskAsync("$auth", Token())).Should().Be("rate_limited");
        time.Advance(TimeSpan.FromMilliseconds(1));
        CodeOf(await client.AskAsync("$auth", Token())).Should().Be(answer);
        await client.SendAsync($$"""{"event":"$auth","data":{{Token()}}}""");

        JsonElement bare = await client.ErrorAsync("rate_limited");
        bare.GetProperty("event").GetString().Should().Be("$auth");
        bare.GetProperty("retryAfterMs").GetInt32().Should().Be(1_000);

        string Token() => $"\"{(areValid ? host.TokenOf("ada") : "nonsense")}\"";
    }

    [Fact]
    public async Task Tokens_to_join_with_count_with_them_even_where_anybody_may_join()
    {
        await using EventServerHost host = await StartAsync(time: new ManualTime());
        await using EventClient client = await EventClient.ConnectAsync(host);
        for (int i = 0; i < Burst; i++)
        {
            await client.SendAsync("""{"connect":"/open","auth":{"token":"nonsense"}}""");
            await client.WelcomedAsync();
            await client.SendAsync("""{"disconnect":"/open"}""");
            await client.ExpectAsync("disconnect");
        }

        await client.SendAsync("""{"connect":"/open","auth":{"token":"nonsense"}}""");

        JsonElement error = (await client.ExpectAsync("connect_error")).GetProperty("error");
        error.GetProperty("code").GetString().Should().Be("rate_limited");
        error.GetProperty("retryAfterMs").GetInt32().Should().Be(1_000);
        await client.SendAsync("""{"connect":"/open"}""");
        await client.WelcomedAsync();
    }

    [Fact]
    public async Task Another_connection_has_its_own()
    {
        await using EventServerHost host = await StartAsync(time: new ManualTime());
        await using EventClient first = await EventClient.ConnectAsync(host);
        await using EventClient second = await EventClient.ConnectAsync(host);
        for (int i = 0; i <= Burst; i++)
        {
            await first.AskAsync("$auth", "\"nonsense\"");
        }

        CodeOf(await second.AskAsync("$auth", $"\"{host.TokenOf("ada")}\"")).Should().BeNull();
    }

    [Fact]
    public async Task The_very_same_token_is_acked_and_nobody_looks_at_anything_again_until_it_is_over()
    {
        var time = new ManualTime();
        int asked = 0;
        await using EventServerHost host = await StartAsync(
            io => io.Root.RequireAuthorization(policy => policy.RequireAssertion(_ => Interlocked.Increment(ref asked) > 0)), time);
        await using EventClient client = await EventClient.ConnectAsync(host);
        string token = $"\"{host.TokenOf("ada", lifetime: TimeSpan.FromSeconds(20))}\"";
        (await client.AskAsync("$auth", token)).GetProperty("data").GetProperty("expiresInMs").GetInt64().Should().Be(20_000);
        await Within.UntilAsync(() => Volatile.Read(ref asked) == 2, "the policy was asked on joining and for the new token");

        time.Advance(TimeSpan.FromSeconds(5));
        for (int i = 0; i < Burst * 2; i++)
        {
            (await client.AskAsync("$auth", token)).GetProperty("data").GetProperty("expiresInMs").GetInt64().Should().Be(15_000);
        }

        await client.SyncAsync();
        asked.Should().Be(2);
        time.Advance(TimeSpan.FromSeconds(15));
        CodeOf(await client.AskAsync("$auth", token)).Should().Be("unauthorized");
    }

    [Fact]
    public async Task One_token_of_a_connection_is_looked_at_at_a_time()
    {
        var scheme = new SlowScheme();
        await using EventServerHost host = await GuardedHost.StartAsync(
            io => Array.ForEach(["/a", "/b", "/c"], ns => io.Of(ns)),
            o => o.TokenScheme = "slow",
            services: b =>
            {
                b.Services.AddSingleton(scheme);
                b.Services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, SlowHandler>("slow", null);
            });
        await using EventClient client = await EventClient.ConnectAsync(host);
        foreach (string ns in (string[])["/a", "/b", "/c"])
        {
            await client.SendAsync($$"""{"connect":"{{ns}}","auth":"x"}""");
        }

        await client.SyncAsync();
        await Within.UntilAsync(() => scheme.UnderWay > 0, "the first token is looked at");
        await client.SyncAsync();
        scheme.UnderWay.Should().Be(1);
        scheme.Open.SetResult();
        for (int i = 0; i < 3; i++)
        {
            await client.WelcomedAsync();
        }

        scheme.Most.Should().Be(1);
        scheme.Total.Should().Be(3);
    }

    private static Task<EventServerHost> StartAsync(Action<EventServer>? setup = null, ManualTime? time = null) => GuardedHost.StartAsync(
        io =>
        {
            io.Of("/open");
            setup?.Invoke(io);
        },
        o => o.MaxNamespacesPerConnection = 5,
        time: time);

    private static string? CodeOf(JsonElement ack) => ack.TryGetProperty("error", out JsonElement error) ? error.GetProperty("code").GetString() : null;

    private sealed class SlowScheme
    {
        private readonly Lock _gate = new();

        public TaskCompletionSource Open { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int UnderWay { get; private set; }

        public int Most { get; private set; }

        public int Total { get; private set; }

        public async Task PassAsync()
        {
            lock (_gate)
            {
                Total++;
                Most = Math.Max(Most, ++UnderWay);
            }

            await Open.Task;
            await Task.Yield();
            lock (_gate)
            {
                UnderWay--;
            }
        }
    }

    private sealed class SlowHandler(SlowScheme scheme, IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            await scheme.PassAsync();
            return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity("slow")), "slow"));
        }
    }
}

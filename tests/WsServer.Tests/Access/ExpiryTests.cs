using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Access;

/// <summary>Credentials that are over.</summary>
public class ExpiryTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_connection_ends_when_its_credentials_do()
    {
        var time = new ManualTime();
        await using EventServerHost host = await StartAsync(time);
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada", lifetime: TimeSpan.FromSeconds(10)));

        time.Advance(TimeSpan.FromSeconds(9));
        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
        time.Advance(Tick);

        (await client.ErrorAsync("unauthorized")).GetRawText().Should().Be("""{"code":"unauthorized","message":"The credentials have expired."}""");
        (await client.ClosedAsync()).Should().Be(1008);
    }

    [Fact]
    public async Task A_refresh_in_time_keeps_it_open_until_the_new_ones_end()
    {
        var time = new ManualTime();
        await using EventServerHost host = await StartAsync(time);
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada", lifetime: TimeSpan.FromSeconds(10)));

        time.Advance(TimeSpan.FromSeconds(9));
        JsonElement ack = await client.AskAsync("$auth", $"\"{host.TokenOf("ada", lifetime: TimeSpan.FromSeconds(10))}\"");
        ack.GetRawText().Should().Contain("""{"expiresInMs":10000}""");
        time.Advance(TimeSpan.FromSeconds(9));
        await client.AskAsync("whoami");
        time.Advance(Tick);

        await client.ErrorAsync("unauthorized");
        (await client.ClosedAsync()).Should().Be(1008);
    }

    [Fact]
    public async Task Unless_the_option_is_set_nothing_ends()
    {
        var time = new ManualTime();
        await using EventServerHost host = await StartAsync(time, closes: false);
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada", lifetime: TimeSpan.FromSeconds(10)));

        time.Advance(TimeSpan.FromSeconds(15));

        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
    }

    [Fact]
    public async Task Nobody_who_is_not_signed_in_expires()
    {
        var time = new ManualTime();
        await using EventServerHost host = await StartAsync(time);
        await using EventClient client = await EventClient.ConnectAsync(host);

        time.Advance(TimeSpan.FromSeconds(15));

        await client.AskAsync("whoami");
    }

    [Fact]
    public async Task An_expired_token_refreshes_nothing()
    {
        var time = new ManualTime();
        await using EventServerHost host = await StartAsync(time);
        await using EventClient client = await EventClient.ConnectAsync(host);
        string token = host.TokenOf("ada", lifetime: TimeSpan.FromSeconds(1));

        time.Advance(Tick);

        (await client.AskAsync("$auth", $"\"{token}\"")).GetProperty("error").GetProperty("code").GetString().Should().Be("unauthorized");
    }

    [Fact]
    public async Task A_socket_that_has_joined_with_a_token_of_its_own_goes_alone()
    {
        var time = new ManualTime();
        await using EventServerHost host = await StartAsync(time);
        await using EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync($$$"""{"connect":"/other","auth":{"token":"{{{host.TokenOf("ada", lifetime: TimeSpan.FromSeconds(10))}}}"}}""");
        await client.WelcomedAsync();

        time.Advance(TimeSpan.FromSeconds(10));

        (await client.ErrorAsync("unauthorized")).GetProperty("ns").GetString().Should().Be("/other");
        (await client.ExpectAsync("disconnect")).GetProperty("disconnect").GetString().Should().Be("/other");
        await client.AskAsync("whoami");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nobody_joins_with_credentials_that_are_over_where_a_longer_token_keeps_the_connection(bool closes)
    {
        var time = new ManualTime();
        await using EventServerHost host = await StartAsync(time, closes);
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada", lifetime: TimeSpan.FromSeconds(10)));
        await client.SendAsync($$$"""{"connect":"/other","auth":{"token":"{{{host.TokenOf("ada")}}}"}}""");
        await client.WelcomedAsync();
        await client.SendAsync("""{"disconnect":"/"}""");
        await client.ExpectAsync("disconnect");
        time.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        await client.SendAsync("""{"connect":"/admin"}""");
        await client.WelcomedAsync();
        await client.SendAsync("""{"disconnect":"/admin"}""");
        await client.ExpectAsync("disconnect");

        time.Advance(TimeSpan.FromTicks(1));
        await client.SendAsync("""{"connect":"/admin"}""");
        JsonElement answer = await client.NextAsync();

        if (closes)
        {
            answer.GetRawText().Should().Be("""{"connect_error":"/admin","error":{"code":"unauthorized","message":"The credentials have expired."}}""");
        }
        else
        {
            answer.GetProperty("connected").GetString().Should().Be("/admin");
        }

        (await client.AskAsync("whoami", ns: "/other")).GetProperty("data").GetString().Should().Be("ada");
    }

    [Fact]
    public async Task The_program_may_set_the_end()
    {
        var time = new ManualTime();
        await using EventServerHost host = await StartAsync(time);
        await using EventClient client = await EventClient.ConnectAsync(host);

        await host.Io.RefreshAsync(host.Io.Root.FindSocket(client.Sid)!, GuardedHost.UserOf("ada"), time.GetUtcNow() + Tick);
        time.Advance(Tick);

        (await client.ClosedAsync()).Should().Be(1008);
    }

    private static Task<EventServerHost> StartAsync(ManualTime time, bool closes = true) =>
        GuardedHost.StartAsync(
        io =>
        {
            io.Of("/other").On("whoami", socket => socket.User.Identity?.Name);
            io.Of("/admin").RequireAuthorization();
        },
        options => options.CloseOnAuthenticationExpiration = closes,
        time: time);
}

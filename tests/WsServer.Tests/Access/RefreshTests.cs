using System.Net;
using System.Text.Json;
using FluentAssertions;
using Microsoft.AspNetCore.Authorization;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Access;

/// <summary>New credentials on an open connection.</summary>
public class RefreshTests
{
    [Theory]
    [InlineData("\"TOKEN\"")]
    [InlineData("""{"token":"TOKEN"}""")]
    public async Task A_client_that_sends_a_token_is_somebody_from_then_on(string data)
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        JsonElement ack = await client.AskAsync("$auth", data.Replace("TOKEN", host.TokenOf("ada", isVip: true), StringComparison.Ordinal));

        ack.GetProperty("data").GetProperty("expiresInMs").GetInt64().Should().BeInRange(1, (long)GuardedHost.Lifetime.TotalMilliseconds);
        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
        await client.SendAsync("""{"connect":"/vip"}""");
        await client.WelcomedAsync();
    }

    [Theory]
    [InlineData("\"nonsense\"", "unauthorized")]
    [InlineData("\"\"", "unauthorized")]
    [InlineData("\"a\\r\\nb\"", "unauthorized")]
    [InlineData("17", "invalid_data")]
    [InlineData("{}", "invalid_data")]
    [InlineData(null, "invalid_data")]
    public async Task A_token_that_is_none_changes_nothing(string? data, string code)
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada"));

        (await client.AskAsync("$auth", data)).GetProperty("error").GetProperty("code").GetString().Should().Be(code);
        await client.SendAsync($$"""{"event":"$auth"{{(data is null ? "" : $",\"data\":{data}")}}}""");

        (await client.ErrorAsync(code)).GetProperty("event").GetString().Should().Be("$auth");
        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
        host.Log.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task A_token_of_somebody_else_is_forbidden()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada"));

        (await client.AskAsync("$auth", $"\"{host.TokenOf("bob")}\"")).GetProperty("error").GetProperty("code").GetString().Should().Be("forbidden");
        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
    }

    [Fact]
    public async Task Beside_a_default_scheme_of_cookies_tokens_have_a_scheme_of_their_own()
    {
        await using EventServerHost host = await StartAsync(options: o => o.TokenScheme = GuardedHost.Bearer, scheme: GuardedHost.Cookie);
        await using EventClient client = await EventClient.ConnectAsync(host);

        (await client.AskAsync("$auth", $"\"{host.TokenOf("ada")}\"")).TryGetProperty("data", out _).Should().BeTrue();
        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
    }

    [Fact]
    public async Task A_cookie_of_the_handshake_does_not_pass_for_a_token()
    {
        await using EventServerHost host = await StartAsync(scheme: GuardedHost.Cookie);
        var cookies = new CookieContainer();
        using (var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, CookieContainer = cookies }))
        {
            await http.GetAsync(new Uri(host.Http, "/sign-in/ada"));
        }

        await using EventClient client = await EventClient.ConnectAsync(host, options: o => o.Cookies = cookies);

        (await client.AskAsync("$auth", "\"nonsense\"")).TryGetProperty("error", out _).Should().BeTrue();
    }

    [Fact]
    public async Task A_scheme_that_there_is_not_is_the_programs_fault_and_changes_nothing()
    {
        await using EventServerHost host = await StartAsync(options: o => o.TokenScheme = "no such scheme");
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada"));

        (await client.AskAsync("$auth", $"\"{host.TokenOf("ada")}\"")).GetProperty("error").GetProperty("code").GetString().Should().Be("internal_error");
        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
        host.Log.Errors.Should().ContainSingle().Which.Exception!.Message.Should().Contain("no such scheme");
    }

    [Fact]
    public async Task Where_no_tokens_are_taken_the_event_is_as_unknown_as_any()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        (await client.AskAsync("$auth", "\"x\"")).GetProperty("error").GetProperty("code").GetString().Should().Be("unknown_event");
    }

    [Fact]
    public async Task Whoever_may_no_longer_be_in_a_namespace_or_a_room_is_told_and_put_out()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada", isVip: true));
        await client.SendAsync("""{"connect":"/vip"}""");
        await client.WelcomedAsync();
        await client.AskAsync("join", """["vip:1","news"]""");

        (await client.AskAsync("$auth", $"\"{host.TokenOf("ada")}\"")).TryGetProperty("error", out _).Should().BeFalse();

        string[] told = [(await client.NextAsync()).GetRawText(), (await client.NextAsync()).GetRawText(), (await client.NextAsync()).GetRawText()];
        told.Should().Equal(
            """{"error":{"code":"forbidden","message":"This user may not do that.","room":"vip:1"}}""",
            """{"error":{"code":"forbidden","message":"This user may not do that.","ns":"/vip"}}""",
            """{"disconnect":"/vip","reason":"server namespace disconnect"}""");
        (await client.AskAsync("rooms")).GetProperty("data").Deserialize<string[]>().Should().Equal("news");
        host.Io.Of("/vip").SocketCount.Should().Be(0);
    }

    [Theory]
    [InlineData("named", "forbidden")]
    [InlineData("built", "forbidden")]
    [InlineData("fallback", "forbidden")]
    [InlineData("failing", "internal_error")]
    public async Task Whoever_may_no_longer_come_by_the_endpoint_is_told_and_disconnected(string kind, string code)
    {
        bool fails = false;
        await using EventServerHost host = await StartAsync(
            io => _ = kind switch
            {
                "named" => io.RequireAuthorization("vip"),
                "built" => io.RequireAuthorization(policy => policy.RequireClaim("vip")),
                "failing" => io.RequireAuthorization(policy => policy.RequireAssertion(_ => fails ? throw new InvalidOperationException("The policy fails.") : true)),
                _ => io,
            },
            services: b =>
            {
                if (kind == "fallback")
                {
                    b.Services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireClaim("vip").Build());
                }
            });
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada", isVip: true));
        await client.AskAsync("$auth", $"\"{host.TokenOf("ada", isVip: true)}\"");
        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
        fails = true;

        (await client.AskAsync("$auth", $"\"{host.TokenOf("ada")}\"")).TryGetProperty("data", out _).Should().BeTrue();

        await client.ErrorAsync(code);
        (await client.ClosedAsync()).Should().Be(1008);
        host.Log.Errors.Should().HaveCount(kind == "failing" ? 1 : 0);
    }

    [Fact]
    public async Task What_the_endpoint_requires_is_not_asked_of_a_token_for_one_namespace()
    {
        await using EventServerHost host = await StartAsync(io => io.RequireAuthorization("vip"));
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada", isVip: true));
        await client.SendAsync($$$"""{"connect":"/plain","auth":{"token":"{{{host.TokenOf("bob")}}}"}}""");
        await client.WelcomedAsync();

        await client.AskAsync("$auth", $"\"{host.TokenOf("bob")}\"", "/plain");

        (await client.AskAsync("whoami", ns: "/plain")).GetProperty("data").GetString().Should().Be("bob");
        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
    }

    [Fact]
    public async Task The_program_refreshes_as_well_and_may_make_somebody_else_of_the_client()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada", isVip: true));
        await client.SendAsync("""{"connect":"/vip"}""");
        await client.WelcomedAsync();
        EventSocket socket = host.Io.Of("/vip").FindSocket(client.Sid)!;

        await host.Io.RefreshAsync(socket, GuardedHost.UserOf("bob"));

        socket.Connected.Should().BeFalse();
        (await client.ExpectAsync("disconnect")).GetProperty("disconnect").GetString().Should().Be("/vip");
        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("bob");
    }

    [Fact]
    public async Task A_socket_that_has_joined_with_a_token_of_its_own_is_refreshed_alone()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("bob"));
        await client.SendAsync($$$"""{"connect":"/vip","auth":{"token":"{{{host.TokenOf("ada", isVip: true)}}}"}}""");
        await client.WelcomedAsync();

        (await client.AskAsync("$auth", $"\"{host.TokenOf("ada", isVip: true)}\"", "/vip")).TryGetProperty("data", out _).Should().BeTrue();
        (await client.AskAsync("$auth", $"\"{host.TokenOf("bob", isVip: true)}\"")).TryGetProperty("data", out _).Should().BeTrue();

        (await client.AskAsync("whoami", ns: "/vip")).GetProperty("data").GetString().Should().Be("ada");
        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("bob");
    }

    [Fact]
    public async Task Whom_the_program_has_set_stays_and_is_whom_the_policies_are_asked_about()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada", isVip: true));
        host.Io.Root.FindSocket(client.Sid)!.User = GuardedHost.UserOf("ada, set", isVip: true);
        await client.AskAsync("join", """["vip:1"]""");

        await client.AskAsync("$auth", $"\"{host.TokenOf("ada")}\"");

        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada, set");
        (await client.AskAsync("rooms")).GetProperty("data").Deserialize<string[]>().Should().Equal("vip:1");
    }

    [Fact]
    public async Task A_client_refreshed_while_it_joins_is_looked_at_again()
    {
        var joining = new TaskCompletionSource();
        var open = new TaskCompletionSource();
        await using EventServerHost host = await StartAsync(io => io.Of("/slow").RequireAuthorization("vip").Use(async (_, next) =>
        {
            joining.SetResult();
            await open.Task;
            await next();
        }));
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada", isVip: true));
        await client.SendAsync("""{"connect":"/slow"}""");
        await Within.TimeAsync(joining.Task, "the middleware");

        await client.AskAsync("$auth", $"\"{host.TokenOf("ada")}\"");
        open.SetResult();

        (await client.ErrorAsync("forbidden")).GetProperty("ns").GetString().Should().Be("/slow");
        (await client.ExpectAsync("disconnect")).GetProperty("disconnect").GetString().Should().Be("/slow");
    }

    [Fact]
    public async Task No_refresh_finds_a_gap_between_the_check_of_a_room_and_the_joining()
    {
        await using EventServerHost host = await StartAsync(io => io.Root.RequireAuthorizationInRooms(room => room == "gap", policy => policy.RequireAssertion(async c =>
        {
            bool mayPass = c.User.HasClaim("vip", "yes");
            await Task.Yield();
            return mayPass;
        })));
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada", isVip: true));
        EventSocket socket = host.Io.Root.FindSocket(client.Sid)!;
        for (int i = 0; i < 500; i++)
        {
            await host.Io.RefreshAsync(socket, GuardedHost.UserOf("ada", isVip: true));
            Task join = Task.Run(() => socket.JoinAsync("gap"));
            Task refresh = Task.Run(() => host.Io.RefreshAsync(socket, GuardedHost.UserOf("ada")));
            await refresh;
            try
            {
                await join;
            }
            catch (EventException exception)
            {
                exception.Code.Should().Be("forbidden");
            }

            socket.Rooms.Should().NotContain("gap");
        }
    }

    [Fact]
    public async Task Who_comes_back_is_whom_the_new_connection_says_and_has_what_that_one_may_have()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient first = await EventClient.OpenAsync(host, $"/?recover=1&access_token={host.TokenOf("ada", isVip: true)}");
        JsonElement connected = await first.WelcomedAsync();
        host.Io.Root.FindSocket(first.Sid)!.User = GuardedHost.UserOf("ada, set", isVip: true);
        await first.AskAsync("join", """["vip:1","news"]""");
        await host.Io.EmitAsync("mark");
        long seq = (await first.EventAsync("mark")).GetProperty("seq").GetInt64();
        first.Abort();
        await Within.UntilAsync(() => host.Io.Root.SocketCount == 0, "the server has noticed");
        await host.Io.To("vip:1").EmitAsync("secret");
        await host.Io.To("news").EmitAsync("news");

        string session = connected.GetProperty("session").GetString()!;
        await using EventClient second = await EventClient.OpenAsync(host, $"/?session={session}&seq={seq}&access_token={host.TokenOf("ada")}");

        (await second.NextAsync()).GetProperty("event").GetString().Should().Be("news");
        (await second.WelcomedAsync()).GetProperty("recovered").GetBoolean().Should().BeTrue();
        (await second.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
        (await second.AskAsync("rooms")).GetProperty("data").Deserialize<string[]>().Should().Equal("news");
    }

    [Fact]
    public async Task Who_comes_back_to_a_namespace_that_is_no_longer_his_is_turned_away()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient first = await EventClient.OpenAsync(host, $"/vip?recover=1&access_token={host.TokenOf("ada", isVip: true)}");
        JsonElement connected = await first.WelcomedAsync();
        await host.Io.Of("/vip").EmitAsync("mark");
        long seq = (await first.EventAsync("mark")).GetProperty("seq").GetInt64();
        first.Abort();
        await Within.UntilAsync(() => host.Io.Of("/vip").SocketCount == 0, "the server has noticed");

        string session = connected.GetProperty("session").GetString()!;
        await using EventClient second = await EventClient.OpenAsync(host, $"/vip?session={session}&seq={seq}&access_token={host.TokenOf("ada")}");

        (await second.ExpectAsync("connect_error")).GetProperty("error").GetProperty("code").GetString().Should().Be("forbidden");
        (await second.ClosedAsync()).Should().Be(4403);
    }

    private static Task<EventServerHost> StartAsync(
        Action<EventServer>? more = null,
        Action<EventServerOptions>? options = null,
        string scheme = GuardedHost.Bearer,
        Action<WebApplicationBuilder>? services = null) => GuardedHost.StartAsync(
            io =>
            {
                io.Root.RequireAuthorizationInRooms(room => room.StartsWith("vip:", StringComparison.Ordinal), "vip");
                io.On("join", async (EventSocket socket, string[] rooms) => await socket.JoinAsync(rooms));
                io.On("rooms", socket => socket.Rooms.Skip(1));
                EventNamespace vip = io.Of("/vip").RequireAuthorization("vip");
                vip.On("whoami", socket => socket.User.Identity?.Name);
                io.Of("/plain").On("whoami", socket => socket.User.Identity?.Name);
                more?.Invoke(io);
            },
            options,
            services: services,
            scheme: scheme);
}

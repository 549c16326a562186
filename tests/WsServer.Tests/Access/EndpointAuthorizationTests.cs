using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using FluentAssertions;
using Microsoft.AspNetCore.Authorization;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Access;

/// <summary>Who may open a connection, and in how many ways a token gets there.</summary>
public class EndpointAuthorizationTests
{
    [Fact]
    public async Task Whoever_is_not_signed_in_gets_401_and_whoever_may_not_gets_403_before_the_upgrade()
    {
        await using EventServerHost host = await GuardedHost.StartAsync(io => io.RequireAuthorization("vip"));

        (await host.RefusedAsync()).Should().Be(401);
        (await host.RefusedAsync(options: o => o.SetRequestHeader("Authorization", "Bearer nonsense"))).Should().Be(401);
        (await host.RefusedAsync(options: o => o.SetRequestHeader("Authorization", $"Bearer {host.TokenOf("ada")}"))).Should().Be(403);
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada", isVip: true));
        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
    }

    [Fact]
    public async Task What_is_required_of_the_server_gives_the_server_back_and_holds_for_an_endpoint_that_was_mapped_before()
    {
        EventServer? same = null;
        await using EventServerHost host = await GuardedHost.StartAsync(io => same = io.RequireAuthorization().WithMetadata("mark"), endpoints: app => app.MapEvents("/before"));

        same.Should().BeSameAs(host.Io);
        (await host.RefusedAsync("/before")).Should().Be(401);
        (await host.RefusedAsync("/")).Should().Be(401);
        host.App.Services.GetRequiredService<EndpointDataSource>().Endpoints
            .Where(e => e.DisplayName!.StartsWith("Events", StringComparison.Ordinal)).Should().HaveCount(2).And.OnlyContain(e => e.Metadata.GetMetadata<string>() == "mark");
    }

    [Fact]
    public async Task What_is_required_once_the_endpoints_are_built_is_refused_rather_than_forgotten()
    {
        await using EventServerHost host = await GuardedHost.StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        Action late = () => host.Io.RequireAuthorization();

        late.Should().Throw<InvalidOperationException>().WithMessage("*before the server starts*");
    }

    [Fact]
    public async Task Socket_IO_is_no_way_around_it()
    {
        await using EventServerHost host = await GuardedHost.StartAsync(io => io.RequireAuthorization(), endpoints: app => app.MapSocketIO());
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = host.Http };

        (await http.GetAsync("/socket.io/?EIO=4&transport=polling")).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        (await host.RefusedAsync("/socket.io/?EIO=4&transport=websocket")).Should().Be(401);
        (await http.GetStringAsync($"/socket.io/?EIO=4&transport=polling&access_token={host.TokenOf("ada")}")).Should().StartWith("0{");
        (await http.GetAsync("/socket.io/socket.io.js")).StatusCode.Should().Be(HttpStatusCode.NotFound, "the script is everybody's, and not installed here");
    }

    [Fact]
    public async Task A_page_on_the_same_url_stays_public()
    {
        await using EventServerHost host = await GuardedHost.StartAsync(io => io.RequireAuthorization(), endpoints: app => app.MapGet("/", () => "the page"));
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = host.Http };

        (await http.GetStringAsync("/")).Should().Be("the page");
        (await host.RefusedAsync("/")).Should().Be(401);
    }

    [Fact]
    public async Task A_page_on_the_same_url_may_be_guarded_while_the_events_are_not()
    {
        await using EventServerHost host = await GuardedHost.StartAsync(endpoints: app => app.MapGet("/", [Authorize] () => "the page"));
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = host.Http };

        (await http.GetAsync("/")).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        await using EventClient client = await EventClient.ConnectAsync(host);
    }

    [Fact]
    public async Task A_cookie_signs_in_and_without_one_no_upgrade_is_sent_to_a_page_to_sign_in()
    {
        await using EventServerHost host = await GuardedHost.StartAsync(
            io => io.RequireAuthorization(), endpoints: app => app.MapGroup("/vip").RequireAuthorization("vip").MapEvents(), scheme: GuardedHost.Cookie);
        var cookies = new CookieContainer();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, CookieContainer = cookies }) { BaseAddress = host.Http };

        (await host.RefusedAsync()).Should().Be(401);
        await http.GetAsync("/sign-in/ada");
        (await host.RefusedAsync("/vip", o => o.Cookies = cookies)).Should().Be(403);
        await using EventClient client = await EventClient.ConnectAsync(host, options: o => o.Cookies = cookies);

        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
    }

    [Theory]
    [InlineData("wsserver.json.v1", true)]
    [InlineData(null, false)]
    public async Task A_token_may_come_as_a_subprotocol_that_is_never_selected(string? other, bool isOtherFirst)
    {
        await using EventServerHost host = await GuardedHost.StartAsync(io =>
        {
            io.RequireAuthorization();
            io.On("protocols", socket => socket.Handshake.Headers.SecWebSocketProtocol.ToString());
        });

        // The framework's client fails, as a browser does, when it has offered protocols and the server selects none.
        using RawHttp http = await RawHttp.ConnectAsync(host.Http);
        string token = $"bearer.{GuardedHost.Base64UrlOf(host.TokenOf("ada"))}";
        string offered = other is null ? token : isOtherFirst ? $"{other}, {token}" : $"{token}, {other}";
        RawResponse response = await http.GetAsync("/", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", $"Sec-WebSocket-Protocol: {offered}");

        response.Status.Should().Be(101);
        response.Headers.GetValueOrDefault("sec-websocket-protocol").Should().Be(other);
        if (other is not null)
        {
            await using EventClient client = await EventClient.ConnectAsync(host, options: o =>
            {
                o.AddSubProtocol(token);
                o.AddSubProtocol(other);
            });
            client.SubProtocol.Should().Be(other);
            (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
            (await client.AskAsync("protocols")).GetProperty("data").GetString().Should().Be(other);
        }
    }

    [Theory]
    [InlineData("bearer.%%%")]
    [InlineData("bearer.")]
    [InlineData("bearer.DQo")]
    [InlineData("bearer.bm9uc2Vuc2U")]
    public async Task A_subprotocol_that_holds_no_valid_token_is_nobody(string subprotocol)
    {
        await using EventServerHost host = await GuardedHost.StartAsync(io => io.RequireAuthorization());

        (await host.RefusedAsync(options: o =>
        {
            o.AddSubProtocol("wsserver.json.v1");
            o.SetRequestHeader("Sec-WebSocket-Protocol", subprotocol);
        })).Should().Be(401);
    }

    [Fact]
    public async Task A_token_in_the_query_becomes_the_header_and_leaves_the_rest_of_the_query_as_it_was()
    {
        await using EventServerHost host = await GuardedHost.StartAsync(io =>
        {
            io.RequireAuthorization();
            io.On("query", socket => socket.Handshake.Query.ToDictionary(q => q.Key, q => q.Value.ToString()));
            io.On("header", socket => socket.Handshake.Headers.Authorization.ToString());
        });
        string token = host.TokenOf("ada");
        await using EventClient client = await EventClient.ConnectAsync(host, $"/?a=1%262&access%5Ftoken={token}&b=%C3%A9&access_token=another");

        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
        (await client.AskAsync("query")).GetProperty("data").Deserialize<Dictionary<string, string>>().Should().Equal(new Dictionary<string, string> { ["a"] = "1&2", ["b"] = "é" });
        (await client.AskAsync("header")).GetProperty("data").GetString().Should().Be($"Bearer {token}");
    }

    [Fact]
    public async Task A_header_counts_before_a_subprotocol_and_that_before_the_query()
    {
        await using EventServerHost host = await GuardedHost.StartAsync();
        (string header, string subprotocol, string query) = (host.TokenOf("header"), $"bearer.{GuardedHost.Base64UrlOf(host.TokenOf("subprotocol"))}", host.TokenOf("query"));
        await using EventClient first = await EventClient.ConnectAsync(host, $"/?access_token={query}", o => Offer(o, header));
        await using EventClient second = await EventClient.ConnectAsync(host, $"/?access_token={query}", o => Offer(o, null));

        (await first.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("header");
        (await second.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("subprotocol");

        void Offer(ClientWebSocketOptions options, string? token)
        {
            options.AddSubProtocol("wsserver.json.v1");
            options.AddSubProtocol(subprotocol);
            if (token is not null)
            {
                options.SetRequestHeader("Authorization", $"Bearer {token}");
            }
        }
    }

    [Fact]
    public async Task Another_endpoint_in_the_same_program_sees_its_own_token_in_the_query()
    {
        await using EventServerHost host = await GuardedHost.StartAsync(endpoints: app =>
        {
            app.UseWebSockets();
            app.Map("/hub", async context =>
            {
                using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
                await socket.SendAsync(Encoding.UTF8.GetBytes($$"""{"token":"{{context.Request.Query["access_token"]}}","query":"{{context.Request.QueryString}}"}"""), WebSocketMessageType.Text, true, default);
            });
        });
        await using EventClient client = await EventClient.OpenAsync(host, "/hub?access_token=of-the-hub&x=1");

        (await client.NextAsync()).GetRawText().Should().Be("""{"token":"of-the-hub","query":"?access_token=of-the-hub&x=1"}""");
    }

    [Fact]
    public async Task Where_tokens_in_the_query_are_not_wanted_they_are_left_there_and_nobody_is_signed_in_by_them()
    {
        await using EventServerHost host = await GuardedHost.StartAsync(
            io => io.On("query", socket => socket.Handshake.Query["access_token"].ToString()), options => options.TokenInQuery = false);
        string token = host.TokenOf("ada");
        await using EventClient client = await EventClient.ConnectAsync(host, $"/?access_token={token}");

        (await client.AskAsync("whoami")).GetProperty("data").ValueKind.Should().Be(JsonValueKind.Null);
        (await client.AskAsync("query")).GetProperty("data").GetString().Should().Be(token);
    }
}

using System.Net;
using System.Text.Json;
using FluentAssertions;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Mvc.Testing;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>The application itself, src/WsServer.</summary>
public class AppTests
{
    [Fact]
    public async Task Login_is_told_to_everyone()
    {
        await using var app = new App();
        await using EventClient a = await app.ConnectAsync();
        await using EventClient b = await app.ConnectAsync();

        await a.AskAsync("login", """{"name":"Ada","userid":7}""");

        (await a.EventAsync("login")).GetProperty("data").GetString().Should().Be("Ada");
        (await b.EventAsync("login")).GetProperty("data").GetString().Should().Be("Ada");
    }

    [Fact]
    public async Task Chat_reaches_the_others_with_who_said_it()
    {
        await using var app = new App();
        await using EventClient a = await app.ConnectAsync();
        await using EventClient b = await app.ConnectAsync();
        await a.AskAsync("login", """{"name":"Ada","userid":"u1"}""");

        await a.AskAsync("chat", """{"msg":"hi"}""");

        (await b.EventAsync("chat")).GetProperty("data").GetRawText().Should().Be("""{"from":{"name":"Ada","userid":"u1"},"msg":"hi"}""");
        (await a.EventsSoFarAsync("chat")).Should().BeEmpty();
    }

    [Theory]
    [InlineData("chat", """{"msg":"hi"}""", "unauthorized")]
    [InlineData("login", """{"userid":1}""", "invalid_data")]
    [InlineData("login", "\"Ada\"", "invalid_data")]
    [InlineData("nothing", "1", "unknown_event")]
    public async Task What_cannot_be_done_is_an_error(string name, string data, string code)
    {
        await using var app = new App();
        await using EventClient client = await app.ConnectAsync();

        (await client.AskAsync(name, data)).GetProperty("error").GetProperty("code").GetString().Should().Be(code);
    }

    [Fact]
    public async Task Message_answers_everyone_with_the_same_data()
    {
        await using var app = new App();
        await using EventClient a = await app.ConnectAsync();
        await using EventClient b = await app.ConnectAsync();

        await a.SendAsync("""{"event":"message","data":{"x":[1,null]}}""");

        foreach (EventClient client in new[] { a, b })
        {
            (await client.EventAsync("response")).GetRawText().Should().Be("""{"event":"response","data":{"x":[1,null]}}""");
        }
    }

    [Fact]
    public async Task MessageAndAck_does_the_same_and_acks()
    {
        await using var app = new App();
        await using EventClient a = await app.ConnectAsync();
        await using EventClient b = await app.ConnectAsync();

        (await a.AskAsync("messageAndAck", "\"hi\"")).GetProperty("data").GetRawText().Should().Be("""{"ok":true}""");

        (await a.EventAsync("response")).GetProperty("data").GetString().Should().Be("hi");
        (await b.EventAsync("response")).GetProperty("data").GetString().Should().Be("hi");
    }

    [Fact]
    public async Task Broadcast_reaches_the_others()
    {
        await using var app = new App();
        await using EventClient a = await app.ConnectAsync();
        await using EventClient b = await app.ConnectAsync();

        await a.AskAsync("broadcast", "\"hi\"");

        (await b.EventAsync("response")).GetProperty("data").GetString().Should().Be("hi");
        (await a.EventsSoFarAsync("response")).Should().BeEmpty();
    }

    [Fact]
    public async Task ForceDisconnect_puts_the_socket_out()
    {
        await using var app = new App();
        await using EventClient client = await app.ConnectAsync();

        await client.SendAsync("""{"event":"forceDisconnect"}""");

        (await client.ExpectAsync("disconnect")).GetProperty("reason").GetString().Should().Be("server namespace disconnect");
        (await client.ClosedAsync()).Should().Be(1000);
    }

    [Theory]
    [InlineData("dev", "room:dev")]
    [InlineData("music", "room:music")]
    [InlineData("room:dev", "room:dev")]
    public async Task Join_room_joins_the_rooms_that_there_are_and_greets(string type, string room)
    {
        await using var app = new App();
        await using EventClient client = await app.ConnectAsync("/chat");

        (await client.AskAsync("join-room", $$"""{"type":"{{type}}","user":"Ada"}""")).GetProperty("data").GetString().Should().Be("success");

        (await client.EventAsync("hello")).GetProperty("data").GetProperty("room").GetString().Should().Be(room);
        app.Io.Of("/chat").FindSocket(client.Sid)!.Rooms.Should().Contain(room);
    }

    [Fact]
    public async Task Join_room_says_when_there_is_no_such_room()
    {
        await using var app = new App();
        await using EventClient client = await app.ConnectAsync("/chat");

        (await client.AskAsync("join-room", """{"type":"attic","user":"Ada"}""")).GetProperty("data").GetString().Should().Be("The room doesn't exist");

        app.Io.Of("/chat").FindSocket(client.Sid)!.Rooms.Should().Equal(client.Sid);
    }

    [Fact]
    public async Task Chat_message_joins_the_room_and_gives_it_the_message()
    {
        await using var app = new App();
        await using EventClient a = await app.ConnectAsync("/chat");
        await using EventClient b = await app.ConnectAsync("/chat");
        await using EventClient outside = await app.ConnectAsync("/chat");
        await a.AskAsync("chat message", """{"name":"Ada","room":"kitchen","msg":"first"}""");

        await b.AskAsync("chat message", """{"name":"Bob","room":"kitchen","msg":"second"}""");

        (await a.EventsSoFarAsync("chat message")).Select(e => e.GetProperty("data").GetString()).Should().Equal("first", "second");
        (await b.EventsSoFarAsync("chat message")).Select(e => e.GetProperty("data").GetString()).Should().Equal("second");
        (await outside.EventsSoFarAsync("chat message")).Should().BeEmpty();
    }

    [Fact]
    public async Task Say_needs_the_room_and_reaches_the_others_in_it_until_they_leave()
    {
        await using var app = new App();
        await using EventClient a = await app.ConnectAsync("/chat");
        await using EventClient b = await app.ConnectAsync("/chat");

        (await a.AskAsync("say", """{"room":"room:dev","msg":"hi"}""")).GetProperty("error").GetProperty("code").GetString().Should().Be("not_in_room");
        await a.AskAsync("join-room", """{"type":"dev","user":"Ada"}""");
        await b.AskAsync("join-room", """{"type":"dev","user":"Bob"}""");
        await a.AskAsync("say", """{"room":"room:dev","msg":"hi"}""");
        (await b.EventAsync("said")).GetProperty("data").GetRawText().Should().Be("""{"room":"room:dev","user":"Ada","msg":"hi"}""");

        await b.CloseAsync();
        JsonElement goodbye = await a.EventAsync("goodbye");
        goodbye.GetProperty("data").GetProperty("user").GetString().Should().Be("Bob");
    }

    [Fact]
    public async Task The_status_counts_connections_and_sockets()
    {
        await using var app = new App();
        await using EventClient client = await app.ConnectAsync("/chat");
        using var http = new HttpClient { BaseAddress = app.Http };

        JsonElement status = await http.GetFromJsonAsync<JsonElement>("/status");

        status.GetProperty("connections").GetInt32().Should().Be(1);
        status.GetProperty("sockets").GetProperty("/chat").GetInt32().Should().Be(1);
        status.GetProperty("sockets").GetProperty("/").GetInt32().Should().Be(0);
    }

    [Fact]
    public async Task The_page_is_where_the_root_namespace_is()
    {
        await using var app = new App();
        using var http = new HttpClient { BaseAddress = app.Http };

        HttpResponseMessage response = await http.GetAsync(new Uri("/", UriKind.Relative));

        response.StatusCode.Should().Be(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.Should().Be("text/html");
        (await response.Content.ReadAsStringAsync()).Should().Contain("<html");
    }

    [Theory]
    [InlineData(null, null, "http://localhost:3000")]
    [InlineData("4567", null, "http://*:4567")]
    [InlineData(null, "http://127.0.0.1:7001", "http://127.0.0.1:7001")]
    [InlineData("4567", "http://127.0.0.1:7001", "http://127.0.0.1:7001")]
    public async Task The_port_is_3000_or_PORT_or_what_urls_say(string? port, string? urls, string expected)
    {
        // On the in-memory server, so that nothing listens anywhere.
        await using WebApplicationFactory<Program> factory = new WebApplicationFactory<Program>().WithWebHostBuilder(builder =>
        {
            if (port is not null)
            {
                builder.UseSetting("PORT", port);
            }

            if (urls is not null)
            {
                builder.UseSetting("urls", urls);
            }
        });

        factory.Services.GetRequiredService<IConfiguration>()["urls"].Should().Be(expected);
    }

    [Fact]
    public async Task The_event_server_works_on_the_in_memory_test_server()
    {
        await using var factory = new WebApplicationFactory<Program>();
        var url = new Uri(factory.Server.BaseAddress, "/");
        await using var client = new EventClient(await factory.Server.CreateWebSocketClient().ConnectAsync(url, CancellationToken.None));

        await client.WelcomedAsync();
        (await client.AskAsync("messageAndAck", "\"hi\"")).GetProperty("data").GetRawText().Should().Be("""{"ok":true}""");
        (await client.EventAsync("response")).GetProperty("data").GetString().Should().Be("hi");
        await client.SendAsync("""{"event":"forceDisconnect"}""");
        (await client.ClosedAsync()).Should().Be(1000);
        await Within.UntilAsync(() => factory.Services.GetRequiredService<EventServer>().ConnectionCount == 0, "the connection is gone");
    }

    /// <summary>The application on a real Kestrel.</summary>
    private sealed class App : IAsyncDisposable
    {
        private readonly WebApplicationFactory<Program> _factory = new();

        public App()
        {
            _factory.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
            _factory.StartServer();
            Http = new Uri(_factory.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
            Io = _factory.Services.GetRequiredService<EventServer>();
        }

        public Uri Http { get; }

        public EventServer Io { get; }

        public async Task<EventClient> ConnectAsync(string path = "/")
        {
            EventClient client = await EventClient.OpenAsync(new Uri($"ws://{Http.Authority}{path}"));
            await client.WelcomedAsync();
            return client;
        }

        public ValueTask DisposeAsync() => _factory.DisposeAsync();
    }
}

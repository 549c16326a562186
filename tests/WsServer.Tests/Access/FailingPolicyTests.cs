using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Access;

/// <summary>A policy that throws lets nobody pass, and the server logs it.</summary>
public class FailingPolicyTests
{
    private readonly InvalidOperationException _fault = new("The policy fails.");
    private volatile bool _isBroken;

    [Fact]
    public async Task For_an_event_no_handler_runs()
    {
        _isBroken = true;
        int ran = 0;
        await using EventServerHost host = await GuardedHost.StartAsync(io => io.On("delete", _ => { ran++; }).RequireAuthorization(policy => policy.RequireAssertion(_ => Decide())));
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada"));

        CodeOf(await client.AskAsync("delete")).Should().Be("internal_error");
        await client.SendAsync("""{"event":"delete"}""");
        await client.ErrorAsync("internal_error");

        ran.Should().Be(0);
        ShouldBeLogged(host, 2);
    }

    [Fact]
    public async Task For_a_room_the_socket_stays_out()
    {
        _isBroken = true;
        await using EventServerHost host = await StartWithRoomsAsync();
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada"));

        CodeOf(await client.AskAsync("join", """["open","guarded"]""")).Should().Be("internal_error");

        (await RoomsOfAsync(client)).Should().BeEmpty();
        ShouldBeLogged(host, 1);
    }

    [Fact]
    public async Task In_the_second_look_after_a_refresh_the_socket_is_out_again()
    {
        EventServerHost? started = null;
        int asked = 0;
        await using EventServerHost host = started = await StartWithRoomsAsync(async socket =>
        {
            if (Interlocked.Increment(ref asked) == 1)
            {
                await started!.Io.RefreshAsync(socket, GuardedHost.UserOf("ada"));
                _isBroken = true;
                return true;
            }

            return Decide();
        });
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada"));
        await client.AskAsync("join", """["before"]""");

        CodeOf(await client.AskAsync("join", """["before","guarded"]""")).Should().Be("internal_error");

        asked.Should().Be(2);
        (await RoomsOfAsync(client)).Should().Equal("before");
        (await host.Io.In("guarded").FetchSocketsAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task For_one_of_many_sockets_that_the_program_puts_into_a_room_the_others_are_in()
    {
        _isBroken = true;
        await using EventServerHost host = await StartWithRoomsAsync(socket => Task.FromResult(socket.User.Identity?.Name == "ada" || Decide()));
        await using EventClient first = await host.ConnectAsAsync(host.TokenOf("bob"));
        await using EventClient second = await host.ConnectAsAsync(host.TokenOf("ada"));
        await using EventClient third = await host.ConnectAsAsync(host.TokenOf("ada"));
        await using EventClient last = await host.ConnectAsAsync(host.TokenOf("bob"));

        await host.Io.SocketsJoinAsync("guarded");

        (await host.Io.In("guarded").FetchSocketsAsync()).Select(s => s.Id).Should().BeEquivalentTo(second.Sid, third.Sid);
        ShouldBeLogged(host, 2);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task At_a_refresh_the_socket_is_put_out(bool isInRoom)
    {
        await using EventServerHost host = await GuardedHost.StartAsync(io =>
        {
            EventNamespace guarded = io.Of("/guarded");
            if (isInRoom)
            {
                guarded.RequireAuthorizationInRooms(room => room == "guarded", policy => policy.RequireAssertion(_ => Decide()));
                guarded.OnConnection(socket => socket.JoinAsync("guarded"));
            }
            else
            {
                guarded.RequireAuthorization(policy => policy.RequireAssertion(_ => Decide()));
            }
        });
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada"));
        await client.SendAsync("""{"connect":"/guarded"}""");
        await client.WelcomedAsync();
        await Within.UntilAsync(() => !isInRoom || host.Io.Of("/guarded").FindSocket(client.Sid)!.Rooms.Contains("guarded"), "it is in the room");
        _isBroken = true;

        CodeOf(await client.AskAsync("$auth", $"\"{host.TokenOf("ada")}\"")).Should().BeNull();

        (await client.ErrorAsync("internal_error")).GetProperty("ns").GetString().Should().Be("/guarded");
        (await client.ExpectAsync("disconnect")).GetProperty("disconnect").GetString().Should().Be("/guarded");
        await Within.UntilAsync(() => host.Io.Of("/guarded").SocketCount == 0, "it is out");
        ShouldBeLogged(host, 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task At_a_comeback_the_client_is_turned_away(bool isInRoom)
    {
        await using EventServerHost host = await GuardedHost.StartAsync(io =>
        {
            if (isInRoom)
            {
                io.Root.RequireAuthorizationInRooms(room => room == "guarded", policy => policy.RequireAssertion(_ => Decide()));
                io.On("join", socket => socket.JoinAsync("guarded"));
            }
            else
            {
                io.Root.RequireAuthorization(policy => policy.RequireAssertion(_ => Decide()));
                io.On("join", _ => { });
            }
        });
        await using EventClient first = await EventClient.OpenAsync(host, $"/?recover=1&access_token={host.TokenOf("ada")}");
        JsonElement connected = await first.WelcomedAsync();
        CodeOf(await first.AskAsync("join")).Should().BeNull();
        first.Abort();
        await Within.UntilAsync(() => host.Io.Root.SocketCount == 0, "the server has noticed");
        _isBroken = true;

        string session = connected.GetProperty("session").GetString()!;
        long seq = connected.GetProperty("seq").GetInt64();
        await using EventClient second = await EventClient.OpenAsync(host, $"/?session={session}&seq={seq}&access_token={host.TokenOf("ada")}");

        (await second.ExpectAsync("connect_error")).GetProperty("error").GetProperty("code").GetString().Should().Be("internal_error");
        (await second.ClosedAsync()).Should().Be(4403);
        await Within.UntilAsync(() => host.Io.Root.SocketCount == 0, "nobody is in");
        ShouldBeLogged(host, 1);
    }

    private bool Decide() => _isBroken ? throw _fault : true;

    private void ShouldBeLogged(EventServerHost host, int times) =>
        host.Log.Errors.Should().HaveCount(times).And.OnlyContain(e => ReferenceEquals(e.Exception, _fault));

    private Task<EventServerHost> StartWithRoomsAsync(Func<EventSocket, Task<bool>>? decide = null) => GuardedHost.StartAsync(io =>
    {
        io.Root.RequireAuthorizationInRooms(
            room => room == "guarded", policy => policy.RequireAssertion(c => decide is null ? Task.FromResult(Decide()) : decide(((RoomAccess)c.Resource!).Socket)));
        io.On("join", async (EventSocket socket, string[] rooms) => await socket.JoinAsync(rooms));
        io.On("rooms", socket => socket.Rooms.Skip(1));
    });

    private static async Task<string[]> RoomsOfAsync(EventClient client) => (await client.AskAsync("rooms")).GetProperty("data").Deserialize<string[]>()!;

    private static string? CodeOf(JsonElement ack) => ack.TryGetProperty("error", out JsonElement error) ? error.GetProperty("code").GetString() : null;
}

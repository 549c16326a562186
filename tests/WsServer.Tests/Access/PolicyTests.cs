using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Access;

/// <summary>Policies of namespaces, events and rooms.</summary>
public class PolicyTests
{
    [Fact]
    public async Task A_namespace_lets_in_whom_its_policies_let_pass()
    {
        int seen = 0;
        await using EventServerHost host = await GuardedHost.StartAsync(io =>
        {
            io.Of("/signed-in").RequireAuthorization();
            io.Of("/vip").RequireAuthorization("vip").Use((_, next) =>
            {
                seen++;
                return next();
            });
            io.Of("/ada").RequireAuthorization(policy => policy.RequireAssertion(c => c.Resource is EventSocket { Namespace.Name: "/ada" } && c.User.Identity?.Name == "ada"));
        });
        await using EventClient nobody = await EventClient.ConnectAsync(host);
        await using EventClient bob = await host.ConnectAsAsync(host.TokenOf("bob"));
        await using EventClient ada = await host.ConnectAsAsync(host.TokenOf("ada", isVip: true));

        foreach ((EventClient client, string[] answers) in new[]
        {
            (nobody, ["unauthorized", "unauthorized", "unauthorized"]),
            (bob, ["in", "forbidden", "forbidden"]),
            (ada, (string[])["in", "in", "in"]),
        })
        {
            (await JoinAsync(client, "/signed-in")).Should().Be(answers[0]);
            (await JoinAsync(client, "/vip")).Should().Be(answers[1]);
            (await JoinAsync(client, "/ada")).Should().Be(answers[2]);
        }

        seen.Should().Be(1, "middleware comes after the policies");
        host.Log.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task The_namespace_of_the_url_is_guarded_as_well()
    {
        await using EventServerHost host = await GuardedHost.StartAsync(io => io.Of("/vip").RequireAuthorization("vip"));
        await using EventClient client = await EventClient.OpenAsync(host, "/vip");

        (await client.NextAsync()).GetRawText().Should().Be("""{"connect_error":"/vip","error":{"code":"unauthorized","message":"Only for those who are signed in."}}""");
        (await client.ClosedAsync()).Should().Be(4403);
    }

    [Fact]
    public async Task A_policy_that_there_is_not_lets_nobody_in()
    {
        await using EventServerHost host = await GuardedHost.StartAsync(io => io.Of("/odd").RequireAuthorization("no such policy"));
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada", isVip: true));

        (await JoinAsync(client, "/odd")).Should().Be("internal_error");
        host.Log.Errors.Should().ContainSingle().Which.Exception!.Message.Should().Contain("no such policy");
    }

    [Fact]
    public async Task Without_the_services_of_authorization_nobody_is_let_in()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of("/guarded").RequireAuthorization());
        await using EventClient client = await EventClient.ConnectAsync(host);

        (await JoinAsync(client, "/guarded")).Should().Be("internal_error");
        host.Log.Errors.Should().ContainSingle().Which.Exception!.Message.Should().Contain("AddAuthorization");
    }

    [Theory]
    [InlineData("""{"token":"TOKEN"}""")]
    [InlineData("\"TOKEN\"")]
    public async Task The_auth_of_a_connect_signs_in_for_that_namespace_alone(string auth)
    {
        await using EventServerHost host = await GuardedHost.StartAsync(io =>
        {
            EventNamespace vip = io.Of("/vip").RequireAuthorization("vip");
            vip.On("whoami", socket => socket.User.Identity?.Name);
        });
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("bob"));

        (await JoinAsync(client, "/vip")).Should().Be("forbidden");
        (await JoinAsync(client, "/vip", auth.Replace("TOKEN", "nonsense", StringComparison.Ordinal))).Should().Be("unauthorized");
        (await JoinAsync(client, "/vip", auth.Replace("TOKEN", host.TokenOf("ada", isVip: true), StringComparison.Ordinal))).Should().Be("in");
        (await client.AskAsync("whoami", ns: "/vip")).GetProperty("data").GetString().Should().Be("ada");
        (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("bob");
    }

    [Fact]
    public async Task An_auth_that_is_the_programs_own_affair_is_left_to_it()
    {
        await using EventServerHost host = await GuardedHost.StartAsync(io => io.Of("/own").Use((socket, next) =>
            socket.Handshake.Auth?.GetProperty("token").GetString() == "open sesame" ? next() : Task.CompletedTask));
        await using EventClient client = await EventClient.ConnectAsync(host);

        (await JoinAsync(client, "/own", """{"token":"open sesame"}""")).Should().Be("in");
    }

    [Fact]
    public async Task An_event_is_for_whom_the_policy_of_its_handler_lets_pass()
    {
        int other = 0;
        await using EventServerHost host = await GuardedHost.StartAsync(io =>
        {
            io.On("delete", (EventSocket _, string what) => $"deleted {what}").RequireAuthorization("vip");
            io.On("both", _ => { other++; });
            io.On("both", _ => { other++; }).RequireAuthorization(policy => policy.RequireAssertion(c => c.Resource is EventContext { Event: "both" } && c.User.HasClaim("vip", "yes")));
            io.OnAny((_, _) => { });
        });
        await using EventClient nobody = await EventClient.ConnectAsync(host);
        await using EventClient bob = await host.ConnectAsAsync(host.TokenOf("bob"));
        await using EventClient ada = await host.ConnectAsAsync(host.TokenOf("ada", isVip: true));

        CodeOf(await nobody.AskAsync("delete", "\"all\"")).Should().Be("unauthorized");
        CodeOf(await bob.AskAsync("delete", "\"all\"")).Should().Be("forbidden");
        (await ada.AskAsync("delete", "\"all\"")).GetProperty("data").GetString().Should().Be("deleted all");
        await bob.SendAsync("""{"event":"delete","data":"all"}""");
        (await bob.ErrorAsync("forbidden")).GetProperty("event").GetString().Should().Be("delete");
        CodeOf(await bob.AskAsync("both")).Should().Be("forbidden");
        other.Should().Be(0, "an event is handled as a whole or not at all");
        await ada.AskAsync("both");
        other.Should().Be(2);
        host.Log.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task A_policy_is_asked_again_for_each_event()
    {
        bool isOpen = false;
        await using EventServerHost host = await GuardedHost.StartAsync(io =>
            io.On("enter", _ => "in").RequireAuthorization(policy => policy.RequireAssertion(_ => isOpen)));
        await using EventClient client = await host.ConnectAsAsync(host.TokenOf("ada"));

        CodeOf(await client.AskAsync("enter")).Should().Be("forbidden");
        isOpen = true;
        (await client.AskAsync("enter")).GetProperty("data").GetString().Should().Be("in");
        isOpen = false;
        CodeOf(await client.AskAsync("enter")).Should().Be("forbidden");
    }

    [Fact]
    public async Task A_handler_that_is_to_run_once_is_not_used_up_by_whom_it_does_not_run_for()
    {
        await using EventServerHost host = await GuardedHost.StartAsync(io =>
        {
            int count = 0;
            io.Once("first", _ => { count++; }).RequireAuthorization();
            io.On("count", _ => count);
        });
        await using EventClient nobody = await EventClient.ConnectAsync(host);
        await using EventClient ada = await host.ConnectAsAsync(host.TokenOf("ada"));

        CodeOf(await nobody.AskAsync("first")).Should().Be("unauthorized");
        await ada.AskAsync("first");

        (await ada.AskAsync("count")).GetProperty("data").GetInt32().Should().Be(1);
    }

    [Fact]
    public async Task A_room_is_for_whom_its_policy_lets_pass()
    {
        await using EventServerHost host = await GuardedHost.StartAsync(io =>
        {
            io.Root.RequireAuthorizationInRooms(room => room.StartsWith("vip:", StringComparison.Ordinal), "vip");
            io.Root.RequireAuthorizationInRooms(
                room => room.StartsWith("of:", StringComparison.Ordinal),
                policy => policy.RequireAssertion(c => c.Resource is RoomAccess access && access.Room == $"of:{c.User.Identity?.Name}"));
            io.On("join", async (EventSocket socket, string[] rooms) => await socket.JoinAsync(rooms));
            io.On("rooms", socket => socket.Rooms.Skip(1));
        });
        await using EventClient bob = await host.ConnectAsAsync(host.TokenOf("bob"));
        await using EventClient ada = await host.ConnectAsAsync(host.TokenOf("ada", isVip: true));

        await bob.AskAsync("join", """["news"]""");
        (await bob.AskAsync("join", """["news","open","vip:1"]""")).GetProperty("error").GetRawText().Should().Be("""{"code":"forbidden","message":"This user may not do that.","room":"vip:1"}""");
        CodeOf(await bob.AskAsync("join", """["of:ada"]""")).Should().Be("forbidden");
        await bob.AskAsync("join", """["of:bob"]""");
        await ada.AskAsync("join", """["vip:1"]""");
        await host.Io.SocketsJoinAsync("vip:2");

        (await bob.AskAsync("rooms")).GetProperty("data").Deserialize<string[]>().Should().BeEquivalentTo("news", "of:bob");
        (await ada.AskAsync("rooms")).GetProperty("data").Deserialize<string[]>().Should().BeEquivalentTo("vip:1", "vip:2");
    }

    private static string CodeOf(JsonElement ack) => ack.GetProperty("error").GetProperty("code").GetString()!;

    private static async Task<string> JoinAsync(EventClient client, string ns, string? auth = null)
    {
        await client.SendAsync(auth is null ? $$"""{"connect":"{{ns}}"}""" : $$"""{"connect":"{{ns}}","auth":{{auth}}}""");
        JsonElement answer = await client.NextAsync();
        return answer.TryGetProperty("error", out JsonElement error) ? error.GetProperty("code").GetString()! : "in";
    }
}

using FluentAssertions;
using WsServer.Tests.SocketIO.Engine;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Access;

/// <summary>The same for clients of Socket.IO, in the words of their protocol.</summary>
public class SocketIOTests
{
    [Fact]
    public async Task The_auth_of_a_client_signs_in_and_an_event_refreshes_it()
    {
        await using EventServerHost host = await StartAsync();
        using EngineClient client = await OpenAsync(host);

        (await AskAsync(client, "40/vip,")).Should().Be("""44/vip,{"message":"Only for those who are signed in.","data":{"code":"unauthorized"}}""");
        (await AskAsync(client, $$$"""40/vip,{"token":"{{{host.TokenOf("ada", isVip: true)}}}"}""")).Should().StartWith("""40/vip,{"sid":""");
        (await AskAsync(client, """42/vip,1["whoami"]""")).Should().Be("""43/vip,1["ada"]""");
        (await AskAsync(client, """42/vip,2["$auth","nonsense"]""")).Should().Be("""43/vip,2[{"error":{"code":"unauthorized","message":"The token is not valid."}}]""");
        (await AskAsync(client, $$"""42/vip,3["$auth","{{host.TokenOf("ada", isVip: true)}}"]""")).Should().StartWith("""43/vip,3[{"expiresInMs":""");
        await client.PostAsync("1");
    }

    [Fact]
    public async Task Whoever_may_no_longer_be_there_is_put_out()
    {
        await using EventServerHost host = await StartAsync();
        using EngineClient client = await OpenAsync(host);
        await AskAsync(client, $$$"""40/vip,{"token":"{{{host.TokenOf("ada", isVip: true)}}}"}""");

        await client.PostAsync($$"""42/vip,1["$auth","{{host.TokenOf("ada")}}"]""");
        List<string> packets = await client.GetPacketsAsync(2);

        packets[0].Should().StartWith("""43/vip,1[{"expiresInMs":""");
        packets[1].Should().Be("41/vip,");
        await client.PostAsync("1");
    }

    private static Task<EventServerHost> StartAsync() => GuardedHost.StartAsync(
        io => io.Of("/vip").RequireAuthorization("vip").On("whoami", socket => socket.User.Identity?.Name), endpoints: app => app.MapSocketIO());

    private static async Task<EngineClient> OpenAsync(EventServerHost host)
    {
        var client = new EngineClient(new Uri(host.Http, "/socket.io/"));
        await client.OpenAsync();
        return client;
    }

    private static async Task<string> AskAsync(EngineClient client, string packet)
    {
        await client.PostAsync(packet);
        return (await client.GetPacketsAsync(1)).Single();
    }
}

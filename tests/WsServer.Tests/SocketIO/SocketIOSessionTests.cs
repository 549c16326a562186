using System.Text.Json.Nodes;
using FluentAssertions;
using WsServer.Connections;
using WsServer.SocketIO.Wire;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO;

/// <summary>A client that speaks Socket.IO, and the server behind the codec.</summary>
public class SocketIOSessionTests
{
    private static readonly TransportClose Breach = new(1002, "protocol error");

    [Fact]
    public async Task A_client_joins_speaks_and_leaves()
    {
        await using var server = new InMemoryServer();
        server.Io.On<int, int>("double", (_, n) => n * 2);
        server.Io.Of("/news").OnConnection(socket => socket.EmitAsync("hello", socket.Handshake.Auth!.Value.GetProperty("name").GetString(), 1));
        TransportPair client = Start(server);
        client.Send("40");
        (await client.ReceiveTextAsync()).Should().MatchRegex("""^40\{"sid":"[^"]+"\}$""");
        client.Send("""427["double",21]""");
        (await client.ReceiveTextAsync()).Should().Be("437[42]");
        client.Send("""40/news,{"name":"Ada"}""");
        (await client.ReceiveTextAsync()).Should().StartWith("40/news,{");
        (await client.ReceiveTextAsync()).Should().Be("""42/news,["hello","Ada",1]""");
        client.Send("41/news,");
        client.Send("""428["double",1]""");
        (await client.ReceiveTextAsync()).Should().Be("438[2]");
        await InMemoryServer.EndAsync(client);
    }

    [Fact]
    public async Task A_namespace_that_there_is_not_is_no_breach()
    {
        await using var server = new InMemoryServer();
        TransportPair client = await JoinAsync(server);
        client.Send("40/nowhere,");
        (await client.ReceiveTextAsync()).Should().Be("""44/nowhere,{"message":"Invalid namespace"}""");
        client.IsGoodbyeSaid.Should().BeFalse();
        await InMemoryServer.EndAsync(client);
    }

    [Theory]
    [InlineData("40")]
    [InlineData("40{}")]
    [InlineData("42/news,[\"e\"]")]
    [InlineData("42/nowhere,[\"e\"]")]
    [InlineData("42/news,1[\"e\"]")]
    [InlineData("42/nowhere,1[\"e\"]")]
    [InlineData("43/news,1[]")]
    [InlineData("41/news,")]
    [InlineData("41/nowhere")]
    [InlineData("42[]")]
    [InlineData("4")]
    public async Task A_breach_of_the_protocol_ends_the_connection_without_a_word(string text)
    {
        await using var server = new InMemoryServer();
        server.Io.Of("/news");
        TransportPair client = await JoinAsync(server);
        client.Send(text);
        (await client.Goodbye).Should().Be(Breach);
        client.Drain().Should().BeEmpty();
        (await client.Running.WaitAsync(TransportPair.Patience)).Should().Be(DisconnectReason.ProtocolError);
    }

    [Theory]
    [InlineData(ErrorCodes.NotConnected)]
    [InlineData(ErrorCodes.InvalidEnvelope)]
    [InlineData(ErrorCodes.AlreadyConnected)]
    public async Task What_a_handler_or_middleware_refuses_is_no_breach_whatever_its_code(string code)
    {
        await using var server = new InMemoryServer();
        server.Io.On("fail", Task (EventSocket _) => throw new EventException(code, "No."));
        server.Io.Of("/closed").Use((_, _) => throw new EventException(code, "No."));
        TransportPair client = await JoinAsync(server);
        client.Send("""42["fail"]""");
        client.Send("""425["fail"]""");
        (await client.ReceiveTextAsync()).Should().Be($$$"""435[{"error":{"code":"{{{code}}}","message":"No."}}]""");
        client.Send("40/closed");
        (await client.ReceiveTextAsync()).Should().Be($$$"""44/closed,{"message":"No.","data":{"code":"{{{code}}}"}}""");
        client.IsGoodbyeSaid.Should().BeFalse();
        await InMemoryServer.EndAsync(client);
    }

    [Fact]
    public async Task An_event_that_nobody_handles_is_not_acknowledged()
    {
        await using var server = new InMemoryServer();
        server.Io.On("known", _ => 1);
        TransportPair client = await JoinAsync(server);
        client.Send("""421["unknown"]""");
        client.Send("""422["known"]""");
        (await client.ReceiveTextAsync()).Should().Be("432[1]");
        await InMemoryServer.EndAsync(client);
    }

    [Fact]
    public async Task A_client_that_is_put_out_of_its_last_namespace_may_join_again()
    {
        await using var server = new InMemoryServer();
        server.Io.On("kick", socket => socket.DisconnectAsync());
        TransportPair client = await JoinAsync(server);
        client.Send("""42["kick"]""");
        (await client.ReceiveTextAsync()).Should().Be("41");
        client.Send("40");
        (await client.ReceiveTextAsync()).Should().StartWith("40{");
        client.IsGoodbyeSaid.Should().BeFalse();
        await InMemoryServer.EndAsync(client);
    }

    [Fact]
    public async Task A_client_that_joins_nothing_after_it_was_put_out_is_let_go_after_the_connect_timeout()
    {
        var time = new ManualTime();
        await using var server = new InMemoryServer(time: time);
        server.Io.On("kick", socket => socket.DisconnectAsync());
        TransportPair client = await JoinAsync(server);
        client.Send("""42["kick"]""");
        (await client.ReceiveTextAsync()).Should().Be("41");
        client.IsGoodbyeSaid.Should().BeFalse();
        time.Advance(new EventServerOptions().ConnectTimeout - TimeSpan.FromMilliseconds(1));
        client.IsGoodbyeSaid.Should().BeFalse();
        time.Advance(TimeSpan.FromMilliseconds(1));
        (await client.Running.WaitAsync(TransportPair.Patience)).Should().Be(DisconnectReason.ServerNamespaceDisconnect);
    }

    [Fact]
    public async Task A_client_whose_connection_the_server_closes_is_told_of_its_namespaces_first()
    {
        await using var server = new InMemoryServer();
        server.Io.Of("/news");
        server.Io.On("kick", socket => socket.DisconnectAsync(close: true));
        TransportPair client = await JoinAsync(server);
        client.Send("40/news,");
        (await client.ReceiveTextAsync()).Should().StartWith("40/news,{");
        client.Send("""42["kick"]""");
        string[] told = [await client.ReceiveTextAsync(), await client.ReceiveTextAsync()];
        told.Should().BeEquivalentTo("41", "41/news,");
        (await client.Running.WaitAsync(TransportPair.Patience)).Should().Be(DisconnectReason.ServerNamespaceDisconnect);
    }

    [Fact]
    public async Task An_unknown_ack_is_no_breach()
    {
        await using var server = new InMemoryServer();
        server.Io.On("ping", _ => 1);
        TransportPair client = await JoinAsync(server);
        client.Send("4399[]");
        client.Send("""421["ping"]""");
        (await client.ReceiveTextAsync()).Should().Be("431[1]");
        await InMemoryServer.EndAsync(client);
    }

    [Fact]
    public async Task A_client_that_was_cut_off_comes_back_to_what_it_had()
    {
        await using var server = new InMemoryServer(options => options.RecoveryWindow = TimeSpan.FromMinutes(2));
        server.Io.OnConnection(socket => socket.JoinAsync("room"));
        server.Io.On("hello", _ => "there");
        TransportPair client = Start(server, supportsRecovery: true);
        client.Send("40");
        JsonNode first = Connected(await client.ReceiveTextAsync());
        client.Send("""421["hello"]""");
        (await client.ReceiveTextAsync()).Should().Be("""431["there"]""");
        await server.Io.To("room").EmitAsync("news", 1);
        JsonArray news = JsonNode.Parse((await client.ReceiveTextAsync())["42".Length..])!.AsArray();
        news.Should().HaveCount(3);
        client.Fail(new IOException("cut off"));
        await client.Running.WaitAsync(TransportPair.Patience);
        await server.Io.To("room").EmitAsync("news", 2);

        TransportPair back = Start(server, supportsRecovery: true);
        back.Send($$"""40{"pid":{{first["pid"]!.ToJsonString()}},"offset":{{news[2]!.ToJsonString()}}}""");
        (await back.ReceiveTextAsync()).Should().StartWith("""42["news",2,""");
        JsonNode again = Connected(await back.ReceiveTextAsync());
        again.ToJsonString().Should().Be(first.ToJsonString());
        await InMemoryServer.EndAsync(back);
    }

    [Fact]
    public async Task A_client_that_was_cut_off_comes_back_to_what_it_had_on_another_node_and_on_a_third()
    {
        await using TestNodes nodes = await TestNodes.StartAsync(3, io => io.OnConnection(socket => socket.Recovered ? Task.CompletedTask : socket.JoinAsync("room")));
        TransportPair client = Start(nodes[0], supportsRecovery: true);
        client.Send("40");
        JsonNode first = Connected(await client.ReceiveTextAsync());
        await TransportPair.UntilAsync(() => nodes[0].Io.Root.Rooms.Any(), "it is in the room");
        await nodes[1].Io.To("room").EmitAsync("news", 0);
        string offset = OffsetOf(await client.ReceiveTextAsync());
        for (int i = 1; i < 5; i++)
        {
            client.Fail(new IOException("cut off"));
            await client.Running.WaitAsync(TransportPair.Patience);
            await nodes[(i + 1) % 3].Io.To("room").EmitAsync("news", i);
            await nodes[(i + 1) % 3].Io.FetchSocketsAsync();

            client = Start(nodes[i % 3], supportsRecovery: true);
            client.Send($$"""40{"pid":{{first["pid"]!.ToJsonString()}},"offset":{{offset}}}""");
            string news = await client.ReceiveTextAsync();
            news.Should().StartWith($"42[\"news\",{i},");
            offset = OffsetOf(news);
            Connected(await client.ReceiveTextAsync()).ToJsonString().Should().Be(first.ToJsonString());
        }

        await InMemoryServer.EndAsync(client);
    }

    private static string OffsetOf(string text) => JsonNode.Parse(text["42".Length..])!.AsArray()[^1]!.ToJsonString();

    private static JsonNode Connected(string text)
    {
        text.Should().StartWith("40{");
        return JsonNode.Parse(text["40".Length..])!;
    }

    private static TransportPair Start(InMemoryServer server, bool supportsRecovery = false)
    {
        var client = new TransportPair();
        var codec = new SocketIOCodec(server.Io.Names, maxNameLength: 256, Sio.MaxDepth, supportsRecovery);
        client.Running = server.Io.RunAsync(client, ns: null, codec: codec);
        return client;
    }

    private static async Task<TransportPair> JoinAsync(InMemoryServer server)
    {
        TransportPair client = Start(server);
        client.Send("40");
        (await client.ReceiveTextAsync()).Should().StartWith("40{");
        return client;
    }
}

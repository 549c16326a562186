using System.Text;
using System.Text.Json;
using FluentAssertions;
using Microsoft.Extensions.Options;
using WsServer.SocketIO;
using WsServer.Tests.SocketIO.Engine;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO;

/// <summary>Socket.IO clients at a server as an application maps it, with its options, and beside clients of the event protocol.</summary>
public class SocketIOEndpointTests
{
    [Fact]
    public async Task A_rule_that_takes_every_namespace_does_not_take_the_endpoints_WebSockets()
    {
        await using EventServerHost host = await StartAsync(io => io.Of(_ => true, ns => ns.On("which", socket => socket.Namespace.Name)));
        using EngineWebSocket socket = await JoinAsync(host);
        await socket.SendAsync("40/socket.io,");
        (await socket.ReceiveAsync()).Should().StartWith("40/socket.io,");
        await using EventClient native = await EventClient.ConnectAsync(host, "/any/other");
        await native.SendAsync("""{"event":"which","id":1}""");
        (await native.AckAsync(1)).GetProperty("data").GetString().Should().Be("/any/other");
    }

    [Fact]
    public async Task Socket_IO_and_native_clients_are_in_the_same_rooms()
    {
        await using EventServerHost host = await StartAsync(io =>
        {
            io.OnConnection(socket => socket.JoinAsync("everyone"));
            io.On("say", (_, arguments) => io.To("everyone").EmitAsync("said", arguments));
        });
        await using EventClient native = await EventClient.ConnectAsync(host);
        using EngineWebSocket socket = await JoinAsync(host);

        await socket.SendAsync("""42["say","hello"]""");

        (await socket.ReceiveAsync()).Should().Be("""42["said","hello"]""");
        (await native.EventAsync("said")).GetProperty("data").GetString().Should().Be("hello");
        await native.SendAsync("""{"event":"say","args":[1,{"a":2}]}""");
        (await socket.ReceiveAsync()).Should().Be("""42["said",1,{"a":2}]""");
    }

    [Fact]
    public async Task Bytes_reach_Socket_IO_clients_as_attachments_and_native_clients_as_base64()
    {
        await using EventServerHost host = await StartAsync(io => io.On<byte[]>("draw", (_, bytes) => io.EmitAsync("drawn", bytes)));
        await using EventClient native = await EventClient.ConnectAsync(host);
        using EngineWebSocket socket = await JoinAsync(host);

        await socket.SendAsync("""451-["draw",{"_placeholder":true,"num":0}]""");
        await socket.SendAsync([1, 2, 3]);

        (await socket.ReceiveAsync()).Should().Be("""451-["drawn",{"_placeholder":true,"num":0}]""");
        (await socket.ReceiveAsync()).Should().Be("bAQID");
        (await native.EventAsync("drawn")).GetProperty("data").GetString().Should().Be("AQID");
    }

    [Fact]
    public async Task Each_attachment_may_be_as_large_as_a_message()
    {
        await using EventServerHost host = await StartAsync(
            io => io.On<byte[][], int>("measure", (_, parts) => parts.Sum(part => part.Length)),
            options => options.MaxPayload = 10_000);
        using EngineWebSocket socket = await JoinAsync(host);

        await socket.SendAsync("""453-7["measure",[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}]]""");
        for (int i = 0; i < 3; i++)
        {
            await socket.SendAsync(new byte[10_000]);
        }

        (await socket.ReceiveAsync()).Should().Be("437[30000]");
    }

    [Fact]
    public async Task A_packet_with_more_bytes_than_it_may_have_in_all_ends_the_connection()
    {
        await using EventServerHost host = await StartAsync(options: options =>
        {
            options.MaxPayload = 10_000;
            options.MaxPacketBytes = 15_000;
        });
        using EngineWebSocket socket = await JoinAsync(host);

        await socket.SendAsync("""452-["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]""");
        await socket.SendAsync(new byte[10_000]);
        await socket.SendAsync(new byte[10_000]);

        (await socket.ReceiveAsync()).Should().BeNull();
        ((int)socket.CloseStatus!).Should().Be(1002);
    }

    [Fact]
    public async Task Clients_can_come_back_where_the_endpoint_says_so()
    {
        await using EventServerHost host = await StartAsync(options: options => options.ConnectionStateRecovery = true);
        JsonElement first;
        string news;
        using (EngineWebSocket socket = await ConnectAsync(host, "40"))
        {
            first = Payload(await socket.ReceiveAsync());
            await host.Io.EmitAsync("news", 1);
            news = (await socket.ReceiveAsync())!;
        }

        await Within.UntilAsync(() => host.Io.Root.SocketCount == 0, "the server has seen the cut");
        await host.Io.EmitAsync("news", 2);
        string offset = JsonElement.Parse(news[2..])[2].GetString()!;

        using EngineWebSocket back = await ConnectAsync(host, $$"""40{"pid":"{{first.GetProperty("pid").GetString()}}","offset":"{{offset}}"}""");

        (await back.ReceiveAsync()).Should().StartWith("""42["news",2,""");
        Payload(await back.ReceiveAsync()).GetRawText().Should().Be(first.GetRawText());
    }

    [Fact]
    public async Task Where_it_does_not_nobody_is_told_of_it()
    {
        await using EventServerHost host = await StartAsync();
        using EngineWebSocket socket = await ConnectAsync(host, """40{"pid":"somebody","offset":"1"}""");

        Payload(await socket.ReceiveAsync()).EnumerateObject().Select(member => member.Name).Should().Equal("sid");
        await host.Io.EmitAsync("news", 1);
        (await socket.ReceiveAsync()).Should().Be("""42["news",1]""");
    }

    [Fact]
    public async Task A_client_that_is_gone_before_it_is_let_in_is_no_failure_of_the_server()
    {
        var arrived = new TaskCompletionSource();
        var letIn = new TaskCompletionSource();
        var done = new TaskCompletionSource();
        await using EventServerHost host = await EventServerHost.StartAsync(endpoints: app =>
        {
            app.Use(async (context, next) =>
            {
                arrived.SetResult();
                await letIn.Task;
                await next(context);
                done.SetResult();
            });
            app.MapSocketIO();
        });
        using (RawConnection connection = await RawConnection.OpenAsync(host.Http))
        {
            string[] upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
            await connection.Stream.WriteAsync(Encoding.ASCII.GetBytes(RawHttp.Get("/socket.io/?EIO=4&transport=websocket", upgrade)));
            await Within.TimeAsync(arrived.Task, "the request");
            connection.Reset();
        }

        letIn.SetResult();
        await Within.TimeAsync(done.Task, "the end of the request");

        host.Log.Errors.Should().BeEmpty();
        host.Io.ConnectionCount.Should().Be(0);
    }

    [Theory]
    [InlineData(1_000, 999)]
    [InlineData(1_000, int.MaxValue)]
    public async Task A_limit_of_packets_that_no_message_could_reach_or_no_memory_hold_is_named(int maxPayload, int maxPacketBytes)
    {
        Func<Task> starting = async () => await StartAsync(options: options =>
        {
            options.MaxPayload = maxPayload;
            options.MaxPacketBytes = maxPacketBytes;
        });

        (await starting.Should().ThrowAsync<OptionsValidationException>()).Which.Failures.Should().ContainSingle()
            .Which.Should().StartWith("SocketIO:MaxPacketBytes");
    }

    private static Task<EventServerHost> StartAsync(Action<EventServer>? setup = null, Action<SocketIOOptions>? options = null) =>
        EventServerHost.StartAsync(setup, endpoints: app => app.MapSocketIO(configure: options));

    private static async Task<EngineWebSocket> JoinAsync(EventServerHost host)
    {
        EngineWebSocket socket = await ConnectAsync(host, "40");
        Payload(await socket.ReceiveAsync()).GetProperty("sid").GetString().Should().NotBeEmpty();
        return socket;
    }

    private static async Task<EngineWebSocket> ConnectAsync(EventServerHost host, string connect)
    {
        EngineWebSocket socket = await EngineWebSocket.ConnectAsync(host.Ws("/socket.io/?EIO=4&transport=websocket"));
        (await socket.ReceiveAsync()).Should().StartWith("0{");
        await socket.SendAsync(connect);
        return socket;
    }

    private static JsonElement Payload(string? connected)
    {
        connected.Should().StartWith("40{");
        return JsonElement.Parse(connected!["40".Length..]);
    }
}

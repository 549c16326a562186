using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.SocketIO.Engine;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>Bounds of what one message may say, with their defaults: at each, and one past it. Those that other tests have are not here.</summary>
public class BoundTests
{
    [Theory]
    [InlineData(256, null)]
    [InlineData(257, "invalid_envelope")]
    public async Task The_name_of_an_event(int length, string? code)
    {
        string name = new('é', length);
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On(name, _ => "ok"));
        await using EventClient client = await EventClient.ConnectAsync(host);

        CodeOf(await client.AskAsync(name)).Should().Be(code);
    }

    [Theory]
    [InlineData("connect", 256, "connected")]
    [InlineData("connect", 257, "invalid_envelope")]
    [InlineData("disconnect", 256, "not_connected")]
    [InlineData("disconnect", 257, "invalid_envelope")]
    public async Task The_name_of_a_namespace(string verb, int length, string outcome)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of(_ => true, _ => { }));
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync($"{{\"{verb}\":\"/{new string('x', length - 1)}\"}}");

        JsonElement answer = await client.NextAsync();
        (CodeOf(answer) ?? answer.EnumerateObject().First().Name).Should().Be(outcome);
    }

    [Theory]
    [InlineData(256, "not_connected")]
    [InlineData(257, "invalid_envelope")]
    public async Task The_namespace_of_an_event(int length, string code)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of(_ => true, _ => { }));
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync($"{{\"event\":\"x\",\"ns\":\"/{new string('x', length - 1)}\"}}");

        CodeOf(await client.NextAsync()).Should().Be(code);
    }

    [Theory]
    [InlineData("0", true)]
    [InlineData("9007199254740991", true)]
    [InlineData("9007199254740992", false)]
    [InlineData("-1", false)]
    [InlineData("\"0123456789012345678901234567890123456789012345678901234567890123\"", true)]
    [InlineData("\"01234567890123456789012345678901234567890123456789012345678901234\"", false)]
    public async Task The_id_of_an_event(string id, bool isTaken)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("x", _ => "ok"));
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync($"{{\"event\":\"x\",\"id\":{id}}}");

        JsonElement answer = await client.NextAsync();
        (isTaken ? answer.GetProperty("ack").GetRawText() : CodeOf(answer)).Should().Be(isTaken ? id : "invalid_envelope");
    }

    [Fact]
    public async Task The_namespaces_of_a_connection()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of(_ => true, _ => { }));
        await using EventClient client = await EventClient.ConnectAsync(host);
        for (int i = 1; i < 32; i++)
        {
            await client.SendAsync($"{{\"connect\":\"/{i}\"}}");
            await client.ExpectAsync("connected");
        }

        await client.SendAsync("""{"connect":"/one-more"}""");

        CodeOf(await client.NextAsync()).Should().Be("too_many_namespaces");
    }

    [Theory]
    [InlineData("name", 256, true)]
    [InlineData("name", 257, false)]
    [InlineData("depth", 64, true)]
    [InlineData("depth", 65, false)]
    public async Task What_a_Socket_IO_packet_says(string what, int size, bool isTaken)
    {
        string packet = what == "name"
            ? $"421[\"{new string('n', size)}\"]"
            : $"421[\"deep\",{new string('[', size - 1)}{new string(']', size - 1)}]";
        await using EventServerHost host = await EventServerHost.StartAsync(
            io =>
            {
                io.On(new string('n', 256), _ => "ok");
                io.On("deep", (EventSocket _, JsonElement _) => "ok");
            },
            endpoints: app => app.MapSocketIO());
        using EngineWebSocket socket = await EngineWebSocket.ConnectAsync(host.Ws("/socket.io/?EIO=4&transport=websocket"));
        await socket.ReceiveAsync();
        await socket.SendAsync("40");
        await socket.ReceiveAsync();

        await socket.SendAsync(packet);

        // Socket.IO has no answer to what is invalid but the end of the connection.
        (await socket.ReceiveAsync()).Should().Be(isTaken ? "431[\"ok\"]" : null);
    }

    private static string? CodeOf(JsonElement answer) => answer.TryGetProperty("error", out JsonElement error) ? error.GetProperty("code").GetString() : null;
}

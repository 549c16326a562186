using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class BinaryTests
{
    internal sealed record File(string Name, byte[] Bytes);

    [Fact]
    public async Task Bytes_come_in_as_attachments_and_as_base64()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        JsonElement fromBase64 = await client.AskAsync("sum", """{"name":"a","bytes":"AQID"}""");
        await client.SendBinaryAsync("""{"event":"sum","data":{"name":"a","bytes":{"_placeholder":true,"num":0}},"id":1,"bin":[3]}""", 1, 2, 3);

        fromBase64.GetProperty("data").GetInt32().Should().Be(6);
        (await client.AckAsync(1)).GetProperty("data").GetInt32().Should().Be(6);
    }

    [Fact]
    public async Task Several_attachments_may_stand_in_any_order_and_be_empty()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendBinaryAsync(
            """{"event":"join","args":[{"num":2,"_placeholder":true},{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}],"id":1,"bin":[1,0,2]}""", 9, 0, 7);

        Received ack = await client.ReceiveAsync(r => r.Json.TryGetProperty("ack", out _), "the ack");
        ack.Json.GetRawText().Should().Be("""{"ack":1,"data":{"_placeholder":true,"num":0},"bin":[3]}""");
        ack.Attachments.Should().Equal(0, 7, 9);
    }

    [Fact]
    public async Task A_client_that_asked_for_nothing_gets_base64()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        await host.Io.EmitAsync("file", new File("a", [1, 2, 255]));

        Received message = await client.ReceiveAsync(_ => true, "the event");
        message.IsBinary.Should().BeFalse();
        message.Json.GetRawText().Should().Be("""{"event":"file","data":{"name":"a","bytes":"AQL/"}}""");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_asks_for_binary_in_the_url_or_by_sending_some_gets_attachments(bool isInUrl)
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host, isInUrl ? "/?binary=1" : "/");
        if (!isInUrl)
        {
            await client.SendBinaryAsync("""{"ping":1,"bin":[]}""");
            await client.ExpectAsync("pong");
        }

        await host.Io.EmitAsync("file", new File("a", [1, 0, 255]), new byte[] { 7 });
        await host.Io.EmitAsync("plain", 1);

        Received message = await client.ReceiveAsync(_ => true, "the event");
        message.IsBinary.Should().BeTrue();
        message.Json.GetRawText().Should().Be(
            """{"event":"file","args":[{"name":"a","bytes":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}],"bin":[3,1]}""");
        message.Attachments.Should().Equal(1, 0, 255, 7);
        (await client.ReceiveAsync(_ => true, "the plain event")).IsBinary.Should().BeFalse();
    }

    [Fact]
    public async Task One_broadcast_reaches_each_client_in_its_own_form()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient text = await EventClient.ConnectAsync(host);
        await using EventClient binary = await EventClient.ConnectAsync(host, "/?binary=1");
        await using EventClient sender = await EventClient.ConnectAsync(host);

        await sender.SendBinaryAsync("""{"event":"relay","data":[{"_placeholder":true,"num":0}],"bin":[2]}""", 0, 1);

        (await text.EventAsync("relayed")).GetProperty("data").GetRawText().Should().Be("""["AAE="]""");
        (await binary.ReceiveAsync(r => r.IsBinary, "the relayed bytes")).Attachments.Should().Equal(0, 1);
    }

    [Fact]
    public async Task Bytes_that_change_after_the_emit_do_not_travel()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host, "/?binary=1");
        byte[] bytes = [1, 2, 3];

        Task emitted = host.Io.EmitAsync("file", bytes.AsMemory());
        bytes[0] = 9;
        await emitted;

        (await client.ReceiveAsync(r => r.IsBinary, "the bytes")).Attachments.Should().Equal(1, 2, 3);
    }

    [Theory]
    [InlineData("""{"event":"x","data":1}""", "")]
    [InlineData("""{"event":"x","data":1,"bin":[1]}""", "")]
    [InlineData("""{"event":"x","data":1,"bin":[1]}""", "a")]
    [InlineData("""{"event":"x","data":{"_placeholder":true,"num":0},"bin":[1]}""", "ab")]
    [InlineData("""{"event":"x","data":{"_placeholder":true,"num":0},"bin":[3]}""", "ab")]
    [InlineData("""{"event":"x","data":{"_placeholder":true,"num":1},"bin":[1]}""", "a")]
    [InlineData("""{"event":"x","data":{"_placeholder":true,"num":-1},"bin":[1]}""", "a")]
    [InlineData("""{"event":"x","data":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}],"bin":[1]}""", "a")]
    [InlineData("""{"event":"x","data":{"_placeholder":true,"num":0},"bin":[1,1]}""", "ab")]
    [InlineData("""{"event":"x","data":{"_placeholder":true,"num":0},"bin":[]}""", "")]
    [InlineData("""{"event":"x","data":1,"bin":[-1]}""", "")]
    [InlineData("""{"event":"x","data":1,"bin":["1"]}""", "a")]
    [InlineData("""{"event":"x","data":1,"bin":1}""", "a")]
    [InlineData("""{"event":"x","data":{"_placeholder":true,"num":0},"bin":[9999999999]}""", "a")]
    [InlineData("""{"event":"x","args":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}],"bin":[2147483647,2147483647]}""", "ab")]
    public async Task A_binary_message_that_does_not_add_up_is_an_invalid_envelope(string envelope, string attachments)
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendBinaryAsync(envelope, Encoding.ASCII.GetBytes(attachments));
        await client.SendBinaryAsync(envelope[..^1] + ",\"id\":1}", Encoding.ASCII.GetBytes(attachments));

        await client.ErrorAsync("invalid_envelope");
        (await client.AckAsync(1)).GetProperty("error").GetProperty("code").GetString().Should().Be("invalid_envelope");
        await client.SyncAsync();
    }

    [Fact]
    public async Task A_binary_message_without_its_zero_byte_is_an_invalid_envelope()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"event":"x","bin":[]}"""u8.ToArray(), WebSocketMessageType.Binary);

        await client.ErrorAsync("invalid_envelope");
        await client.SyncAsync();
    }

    [Fact]
    public async Task The_envelope_of_a_binary_message_must_be_utf8()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync((byte[])[.. "{\"ping\":\""u8, 0xff, .. "\",\"bin\":[]}"u8, 0], WebSocketMessageType.Binary);

        await client.ErrorAsync("invalid_json");
        await client.SyncAsync();
    }

    [Fact]
    public async Task An_ack_of_the_client_may_be_binary()
    {
        byte[]? answer = null;
        var answered = new TaskCompletionSource();
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("ask", async socket =>
        {
            answer = await socket.EmitAsync<byte[]>("give", TimeSpan.FromSeconds(20));
            answered.SetResult();
        }));
        await using EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync("""{"event":"ask"}""");
        int id = (await client.EventAsync("give")).GetProperty("id").GetInt32();

        await client.SendBinaryAsync($$"""{"ack":{{id}},"data":{"_placeholder":true,"num":0},"bin":[4]}""", 4, 3, 2, 1);

        await Within.TimeAsync(answered.Task, "the answer");
        answer.Should().Equal(4, 3, 2, 1);
    }

    private static Task<EventServerHost> StartAsync() => EventServerHost.StartAsync(io =>
    {
        io.On("sum", (EventSocket _, File file) => file.Bytes.Sum(b => b));
        io.On("join", (EventSocket _, byte[] a, ReadOnlyMemory<byte> b, Memory<byte> c) => (byte[])[.. a, .. b.Span, .. c.Span]);
        io.On("relay", (socket, data) => socket.Broadcast.EmitAsync("relayed", data));
    });
}

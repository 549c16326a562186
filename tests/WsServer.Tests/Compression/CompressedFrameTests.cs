using FluentAssertions;
using WsServer.Tests.Rfc6455;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Compression;

/// <summary>Compressed frames, sent raw to a server that echoes.</summary>
[Collection(nameof(EchoServers))]
public class CompressedFrameTests(EchoServers servers)
{
    private const int Compressed = 0x40;

    // "Hello": RFC 7692, section 7.2.3.1.
    private static readonly byte[] Hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

    [Theory]
    [InlineData(Wiring.Direct, int.MaxValue)]
    [InlineData(Wiring.Direct, 1)]
    [InlineData(Wiring.Piped, int.MaxValue)]
    [InlineData(Wiring.Piped, 1)]
    [InlineData(Wiring.Tls, 2)]
    public async Task A_compressed_message_is_understood_however_it_is_cut(Wiring wiring, int chop)
    {
        using EchoClient client = await servers.ConnectAsync(wiring, "permessage-deflate");
        client.Extensions.Should().Be("permessage-deflate; server_no_context_takeover; client_no_context_takeover");

        for (int at = 0; at <= Hello.Length; at++)
        {
            byte[] fragments =
            [
                .. ClientFrame.Encode(RawFrame.Text, Hello.AsSpan(0, at), isFinal: false, reserved: Compressed),
                .. ClientFrame.Encode(RawFrame.Continuation, Hello.AsSpan(at)),
            ];
            await client.SendAsync(fragments, chop);
            await client.ShouldGetAsync(RawFrame.Text, "Hello"u8.ToArray());
        }

        await client.ShouldLiveAsync();
    }

    [Theory]
    [InlineData(Wiring.Direct, RawFrame.Text, Compressed, "FFFF", 1007)]
    [InlineData(Wiring.Piped, RawFrame.Text, Compressed, "FFFF", 1007)]
    [InlineData(Wiring.Direct, RawFrame.Text, Compressed, "F200110000", 1007)]
    [InlineData(Wiring.Direct, RawFrame.Ping, Compressed, "00", 1002)]
    [InlineData(Wiring.Piped, RawFrame.Close, Compressed, "03E8", 1002)]
    [InlineData(Wiring.Direct, RawFrame.Continuation, Compressed, "00", 1002)]
    [InlineData(Wiring.Direct, RawFrame.Text, 0x20, "00", 1002)]
    [InlineData(Wiring.Piped, RawFrame.Binary, 0x60, "00", 1002)]
    public async Task What_may_not_be_is_closed(Wiring wiring, int opcode, int reserved, string payload, int status)
    {
        using EchoClient client = await servers.ConnectAsync(wiring, "permessage-deflate");

        await client.SendFrameAsync(opcode, Convert.FromHexString(payload), reserved: reserved);

        await client.ShouldBeClosedAsync(status);
    }

    [Theory]
    [InlineData(Wiring.Direct, "permessage-bzip2")]
    [InlineData(Wiring.Piped, "permessage-deflate; server_max_window_bits=99")]
    public async Task Without_an_agreement_a_compressed_message_is_closed_with_1002(Wiring wiring, string offer)
    {
        using EchoClient client = await servers.ConnectAsync(wiring, offer);
        client.Extensions.Should().BeNull();
        await client.ShouldLiveAsync();

        await client.SendFrameAsync(RawFrame.Text, Hello, reserved: Compressed);

        await client.ShouldBeClosedAsync(1002);
    }

    [Fact]
    public async Task Socket_IO_clients_get_compressed_messages_too()
    {
        string text = string.Concat(Enumerable.Repeat("again and ", 500));
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.OnConnection(socket => socket.EmitAsync("news", text)),
            options: o => o.Compression = new CompressionOptions(),
            endpoints: app => app.MapSocketIO());
        using RawWebSocket raw = await RawWebSocket.RequestAsync(host, "/socket.io/?EIO=4&transport=websocket", headers: "Sec-WebSocket-Extensions: permessage-deflate");

        raw.Headers.Should().ContainKey("sec-websocket-extensions");
        (await raw.ReadAsync()).Payload[0].Should().Be((byte)'0');
        await raw.SendTextAsync("40");
        (await raw.ReadAsync()).Payload[0].Should().Be((byte)'4');
        RawFrame news = await raw.ReadAsync();

        news.Reserved.Should().Be(Compressed);
        news.Payload.Length.Should().BeLessThan(500);
    }
}

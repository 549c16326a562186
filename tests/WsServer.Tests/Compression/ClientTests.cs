using System.Net;
using System.Net.WebSockets;
using FluentAssertions;
using WsServer.Tests.Rfc6455;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Compression;

/// <summary>Clients that others have written, against a server that sends every message back.</summary>
[Collection(nameof(EchoServers))]
public class ClientTests(EchoServers servers)
{
    private static readonly int[] Sizes = [0, 1, 63, 64, 65, 125, 126, 1_000, 4_096, 5_000, 65_535, 65_536, 200_000, 1_048_576];

    [NodeTheory]
    [InlineData(Wiring.Direct, "{}", "permessage-deflate; server_no_context_takeover; client_no_context_takeover")]
    [InlineData(Wiring.Piped, "{}", "permessage-deflate; server_no_context_takeover; client_no_context_takeover")]
    [InlineData(Wiring.Direct, """{"threshold":0}""", "permessage-deflate; server_no_context_takeover; client_no_context_takeover")]
    [InlineData(Wiring.Direct, """{"clientMaxWindowBits":9,"threshold":0}""", "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=9")]
    [InlineData(Wiring.Direct, """{"serverMaxWindowBits":10}""", "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10")]
    [InlineData(Wiring.Piped, """{"serverNoContextTakeover":true,"clientNoContextTakeover":true}""", "permessage-deflate; server_no_context_takeover; client_no_context_takeover")]
    [InlineData(Wiring.Direct, "false", "")]
    public async Task The_ws_of_npm_gets_its_messages_back(Wiring wiring, string settings, string extensions)
    {
        EventServerHost host = await servers.HostAsync(wiring, compression: true);

        string said = await RunningProcess.RunAsync(
            RunningProcess.Patience, Requirements.Node!, Repository.PathTo("tests", "node", "deflate.mjs"), host.Ws(EchoServers.Path).ToString(), settings);

        said.Should().Be($"{extensions}\n{Sizes.Length * 2} messages of {string.Join(',', Sizes)} bytes came back");
    }

    [Theory]
    [InlineData(Wiring.Direct, true, 15, 15)]
    [InlineData(Wiring.Direct, false, 15, 15)]
    [InlineData(Wiring.Direct, true, 9, 15)]
    [InlineData(Wiring.Direct, true, 15, 10)]
    [InlineData(Wiring.Piped, true, 15, 15)]
    [InlineData(Wiring.Tls, true, 15, 15)]
    [InlineData(Wiring.Http2, true, 15, 15)]
    [InlineData(Wiring.Piped, false, 9, 9)]
    public async Task The_client_of_dotnet_gets_its_messages_back(Wiring wiring, bool contextTakeover, int clientBits, int serverBits)
    {
        EventServerHost host = await servers.HostAsync(wiring, compression: true);
        using var client = new ClientWebSocket();
        client.Options.DangerousDeflateOptions = new WebSocketDeflateOptions
        {
            ClientContextTakeover = contextTakeover,
            ServerContextTakeover = contextTakeover,
            ClientMaxWindowBits = clientBits,
            ServerMaxWindowBits = serverBits,
        };
        client.Options.CollectHttpResponseDetails = true;
        client.Options.HttpVersion = wiring == Wiring.Http2 ? HttpVersion.Version20 : HttpVersion.Version11;
        client.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = TestCertificate.Accept } });
        using var timeout = new CancellationTokenSource(Within.Reason);
        await client.ConnectAsync(host.Ws(EchoServers.Path), invoker, timeout.Token);
        client.HttpResponseHeaders!["Sec-WebSocket-Extensions"].Single().Should().StartWith("permessage-deflate");

        foreach (int size in Sizes)
        {
            byte[] sent = Message(size);
            await client.SendAsync(sent, WebSocketMessageType.Binary, true, timeout.Token);
            using var received = new MemoryStream();
            byte[] buffer = new byte[10_000];
            WebSocketReceiveResult result;
            do
            {
                result = await client.ReceiveAsync(buffer, timeout.Token);
                received.Write(buffer, 0, result.Count);
            }
            while (!result.EndOfMessage);
            received.ToArray().AsSpan().SequenceEqual(sent).Should().BeTrue($"{size} bytes came back");
        }

        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "", timeout.Token);
        client.CloseStatus.Should().Be(WebSocketCloseStatus.NormalClosure);
    }

    [Fact]
    public async Task Without_the_option_an_offer_is_not_answered()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        using RawWebSocket raw = await RawWebSocket.RequestAsync(host, "/", headers: "Sec-WebSocket-Extensions: permessage-deflate");

        raw.Status.Should().Be(101);
        raw.Headers.Should().NotContainKey("sec-websocket-extensions");
    }

    [Theory]
    [InlineData(Wiring.Direct)]
    [InlineData(Wiring.Awaited)]
    [InlineData(Wiring.Piped)]
    [InlineData(Wiring.Tls)]
    public async Task Events_reach_clients_with_and_without_compression(Wiring wiring)
    {
        string text = string.Concat(Enumerable.Repeat("the same words again ", 500));
        await using EventServerHost host = await wiring.StartAsync(
            io => io.On("say", (EventSocket _, string said) => io.EmitAsync("said", said)),
            options: o => o.Compression = new CompressionOptions());
        using RawWebSocket compressed = await RawWebSocket.RequestAsync(host, "/", headers: "Sec-WebSocket-Extensions: permessage-deflate");
        await compressed.ReadAsync();
        using RawWebSocket plain = await RawWebSocket.ConnectAsync(host);

        await plain.SendTextAsync($$"""{"event":"say","data":"{{text}}"}""");

        RawFrame small = await compressed.ReadAsync();
        small.Reserved.Should().Be(0x40);
        small.Payload.Length.Should().BeLessThan(1_000);
        (await plain.ReadAsync()).Json.GetProperty("data").GetString().Should().Be(text);
    }

    // Half of it is noise.
    private static byte[] Message(int size)
    {
        byte[] message = new byte[size];
        new Random(size).NextBytes(message.AsSpan(size / 2));
        return message;
    }
}

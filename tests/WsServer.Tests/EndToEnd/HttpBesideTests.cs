using System.Globalization;
using System.Net;
using System.Text;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>Ordinary HTTP beside the event server, over the same connections that it writes to.</summary>
public class HttpBesideTests
{
    private const int LargeBytes = 5_000_000;

    private static readonly byte[] Large = MakeLarge();

    public static TheoryData<Wiring> Http1 => [Wiring.Direct, Wiring.Awaited, Wiring.Piped, Wiring.Tls, Wiring.PipedTls];

    [Theory]
    [MemberData(nameof(Http1))]
    public async Task A_large_response_that_is_read_slowly_arrives_whole(Wiring wiring)
    {
        await using EventServerHost host = await StartAsync(wiring);
        using RawHttp http = await RawHttp.ConnectAsync(host.Http, receiveBuffer: 8 * 1024, readBytes: 700);

        foreach (string path in new[] { "/large", "/chunked" })
        {
            RawResponse response = await http.GetAsync(path);
            response.Status.Should().Be(200);
            response.Body.AsSpan().SequenceEqual(Large).Should().BeTrue();
        }

        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Http1))]
    public async Task A_large_response_arrives_whole_before_the_server_closes(Wiring wiring)
    {
        await using EventServerHost host = await StartAsync(wiring);
        using RawHttp http = await RawHttp.ConnectAsync(host.Http, receiveBuffer: 8 * 1024);

        RawResponse response = await http.GetAsync("/large", "Connection: close");

        response.Body.AsSpan().SequenceEqual(Large).Should().BeTrue();
        (await http.IsOverAsync()).Should().BeTrue();
        host.Log.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task Large_responses_over_http2_arrive_whole_while_events_come_and_go()
    {
        await using EventServerHost host = await StartAsync(Wiring.Http2);
        await using PacedClient client = await PacedClient.ConnectAsync(host, Wiring.Http2);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        Task<byte[]>[] all = [.. Enumerable.Range(0, 4).Select(_ => http.GetByteArrayAsync(new Uri(host.Http, "/large")))];
        for (int i = 0; i < 100; i++)
        {
            await client.SendAsync(Encoding.UTF8.GetBytes($$"""{"event":"echo","id":{{i}},"data":{{i}}}"""));
            (await client.ReadAsync()).GetProperty("data").GetInt32().Should().Be(i);
        }

        foreach (byte[] body in await Within.TimeAsync(Task.WhenAll(all), "the responses"))
        {
            body.AsSpan().SequenceEqual(Large).Should().BeTrue();
        }

        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Http1))]
    public async Task A_large_request_arrives_whole(Wiring wiring)
    {
        await using EventServerHost host = await StartAsync(wiring);
        using RawHttp http = await RawHttp.ConnectAsync(host.Http);
        Task sending = http.SendAsync([.. Encoding.ASCII.GetBytes($"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {LargeBytes}\r\n\r\n"), .. Large]);

        RawResponse response = await http.ReadAsync();
        await Within.TimeAsync(sending, "the request");

        response.Body.AsSpan().SequenceEqual(Large).Should().BeTrue();
        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Http1))]
    public async Task Two_hundred_requests_on_one_connection_are_answered(Wiring wiring)
    {
        await using EventServerHost host = await StartAsync(wiring);
        using RawHttp http = await RawHttp.ConnectAsync(host.Http);

        for (int i = 0; i < 200; i++)
        {
            RawResponse response = await http.GetAsync($"/number/{i}");
            response.Status.Should().Be(200);
            response.Text.Should().Be(Numbered(i));
        }

        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Http1))]
    public async Task Pipelined_requests_are_answered_in_order(Wiring wiring)
    {
        await using EventServerHost host = await StartAsync(wiring);
        using RawHttp http = await RawHttp.ConnectAsync(host.Http, receiveBuffer: 8 * 1024);

        await http.SendAsync(string.Concat(Enumerable.Range(0, 100).Select(i => RawHttp.Get($"/number/{i}"))));

        for (int i = 0; i < 100; i++)
        {
            (await http.ReadAsync()).Text.Should().Be(Numbered(i));
        }

        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Http1))]
    public async Task An_upgrade_after_ordinary_requests_on_one_connection_works(Wiring wiring)
    {
        await using EventServerHost host = await StartAsync(wiring);
        using RawHttp http = await RawHttp.ConnectAsync(host.Http);
        for (int i = 0; i < 3; i++)
        {
            (await http.GetAsync($"/number/{i}")).Text.Should().Be(Numbered(i));
        }

        await http.SendAsync(RawHttp.Get("/", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="));
        (await http.ReadHeadAsync()).Status.Should().Be(101);
        await http.SendAsync(ClientFrame.Text("""{"event":"echo","id":1,"data":7}"""));

        int connected = (await http.ReadBytesAsync(2))[1];
        Encoding.UTF8.GetString(await http.ReadBytesAsync(connected)).Should().StartWith("""{"connected":"/",""");
        int answer = (await http.ReadBytesAsync(2))[1];
        Encoding.UTF8.GetString(await http.ReadBytesAsync(answer)).Should().Be("""{"ack":1,"data":7}""");
        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [InlineData(Wiring.Direct, true)]
    [InlineData(Wiring.Direct, false)]
    [InlineData(Wiring.Piped, true)]
    [InlineData(Wiring.Tls, true)]
    [InlineData(Wiring.Tls, false)]
    [InlineData(Wiring.PipedTls, true)]
    [InlineData(Wiring.PipedTls, false)]
    public async Task A_client_that_goes_away_in_the_middle_of_a_response_ends_it_and_harms_no_other(Wiring wiring, bool isReset)
    {
        var aborted = new TaskCompletionSource();
        await using EventServerHost host = await StartAsync(wiring, app => app.MapGet("/endless", async context =>
        {
            try
            {
                while (true)
                {
                    await context.Response.Body.WriteAsync(Large.AsMemory(0, 50_000), context.RequestAborted);
                }
            }
            catch (OperationCanceledException)
            {
                aborted.SetResult();
            }
        }));
        using RawHttp leaving = await RawHttp.ConnectAsync(host.Http, receiveBuffer: 8 * 1024);
        using RawHttp staying = await RawHttp.ConnectAsync(host.Http);
        await leaving.SendAsync(RawHttp.Get("/endless"));
        await leaving.ReadBytesAsync(200_000);

        if (isReset)
        {
            leaving.Reset();
        }
        else
        {
            leaving.Dispose();
        }

        await Within.TimeAsync(aborted.Task, "the end of the response");
        (await staying.GetAsync("/number/1")).Text.Should().Be(Numbered(1));
        await using EventClient client = new((await PlainWebSocketAsync(host)));
        await client.WelcomedAsync();
        host.Log.Errors.Should().BeEmpty();
    }

    private static async Task<System.Net.WebSockets.WebSocket> PlainWebSocketAsync(EventServerHost host)
    {
        var webSocket = new System.Net.WebSockets.ClientWebSocket();
        webSocket.Options.Proxy = null;
        if (host.Http.Scheme == Uri.UriSchemeHttps)
        {
            webSocket.Options.RemoteCertificateValidationCallback = TestCertificate.Accept;
        }

        using var timeout = new CancellationTokenSource(Within.Reason);
        await webSocket.ConnectAsync(host.Ws(), timeout.Token);
        return webSocket;
    }

    private static Task<EventServerHost> StartAsync(Wiring wiring, Action<WebApplication>? endpoints = null) => wiring.StartAsync(
        io => io.On("echo", (EventSocket _, int n) => n),
        endpoints: app =>
        {
            app.MapGet("/large", context =>
            {
                context.Response.ContentLength = LargeBytes;
                return context.Response.Body.WriteAsync(Large).AsTask();
            });
            app.MapGet("/chunked", async context =>
            {
                foreach (byte[] piece in Large.Chunk(70_001))
                {
                    await context.Response.Body.WriteAsync(piece);
                }
            });
            app.MapPost("/upload", async context =>
            {
                var body = new MemoryStream();
                await context.Request.Body.CopyToAsync(body);
                context.Response.ContentLength = body.Length;
                await context.Response.Body.WriteAsync(body.ToArray());
            });
            app.MapGet("/number/{n:int}", (int n) => Numbered(n));
            endpoints?.Invoke(app);
        });

    private static string Numbered(int number) => string.Concat(Enumerable.Repeat(number.ToString(CultureInfo.InvariantCulture) + ",", number * 7 % 3_000));

    private static byte[] MakeLarge()
    {
        byte[] bytes = new byte[LargeBytes];
        new Random(5).NextBytes(bytes);
        return bytes;
    }
}

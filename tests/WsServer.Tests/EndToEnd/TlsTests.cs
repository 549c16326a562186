using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using FluentAssertions;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Playwright;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>Events over TLS, over HTTP/1.1 and HTTP/2 (RFC 8441), with clients that check the certificate.</summary>
public sealed class TlsTests : IDisposable
{
    // Opens a WebSocket, asks, and gives what came.
    private const string Ask = """
        url => new Promise((resolve, reject) => {
          const ws = new WebSocket(url);
          ws.onopen = () => ws.send('{"event":"protocol","id":1}');
          ws.onmessage = ({ data }) => { const envelope = JSON.parse(data); if ('ack' in envelope) { resolve(envelope.data); ws.close(); } };
          ws.onclose = e => reject(new Error('closed ' + e.code));
        })
        """;

    private readonly CertificateAuthority _authority = new();
    private readonly string _home = Directory.CreateTempSubdirectory("browser-").FullName;

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_home, recursive: true);
    }

    [TrustingBrowserFact]
    public async Task A_browser_that_trusts_the_authority_connects_over_wss_and_over_HTTP_2_where_the_server_speaks_it()
    {
        await using EventServerHost http1 = await StartAsync(HttpProtocols.Http1);
        await using EventServerHost http2 = await StartAsync(HttpProtocols.Http1AndHttp2);
        await TrustAsync();
        using IPlaywright playwright = await Playwright.CreateAsync();
        await using IBrowser browser = await LaunchAsync(playwright);
        IPage page = await browser.NewPageAsync();

        await page.GotoAsync(Page(http1));
        (await page.EvaluateAsync<string>(Ask, Socket(http1))).Should().Be("HTTP/1.1 GET");
        await page.GotoAsync(Page(http2));
        (await page.EvaluateAsync<string>(Ask, Socket(http2))).Should().Be("HTTP/2 CONNECT");
        http1.Log.Errors.Concat(http2.Log.Errors).Should().BeEmpty();
    }

    [TrustingBrowserFact]
    public async Task A_browser_that_does_not_trust_it_does_not()
    {
        await using EventServerHost host = await StartAsync(HttpProtocols.Http1AndHttp2);
        using IPlaywright playwright = await Playwright.CreateAsync();
        await using IBrowser browser = await LaunchAsync(playwright);
        IPage page = await browser.NewPageAsync();

        await page.GotoAsync("about:blank");
        Func<Task> ask = () => page.EvaluateAsync<string>(Ask, Socket(host));

        (await ask.Should().ThrowAsync<PlaywrightException>()).Which.Message.Should().Contain("closed 1006");
        host.Io.ConnectionCount.Should().Be(0);
    }

    [Fact]
    public async Task Many_clients_share_one_HTTP_2_connection_and_each_has_its_own_order()
    {
        const int Clients = 40;
        const int Events = 50;
        await using EventServerHost host = await StartAsync(HttpProtocols.Http2);
        using var handler = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => _authority.Accept(certificate) } };
        using var invoker = new HttpMessageInvoker(handler);
        var clients = new List<EventClient>();
        for (int i = 0; i < Clients; i++)
        {
            var webSocket = new ClientWebSocket();
            webSocket.Options.HttpVersion = HttpVersion.Version20;
            webSocket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
            await webSocket.ConnectAsync(new Uri(Socket(host)), invoker, CancellationToken.None);
            var client = new EventClient(webSocket);
            await client.WelcomedAsync();
            clients.Add(client);
        }

        host.Io.ConnectionCount.Should().Be(Clients);
        host.App.Services.GetRequiredService<Connections>().Ids.Should().HaveCount(1);
        await Task.WhenAll(clients.Select(async client =>
        {
            for (int i = 0; i < Events; i++)
            {
                (await client.AskAsync("echo", $"{i}")).GetProperty("data").GetInt32().Should().Be(i);
            }
        }));
        await host.Io.EmitAsync("all", 1);
        foreach (EventClient client in clients)
        {
            (await client.EventAsync("all")).GetProperty("data").GetInt32().Should().Be(1);
        }

        // One that breaks takes none of the others along.
        clients[0].Abort();
        await Within.UntilAsync(() => host.Io.ConnectionCount == Clients - 1, "one is gone");
        (await clients[1].AskAsync("echo", "1")).GetProperty("data").GetInt32().Should().Be(1);
        await clients[1].CloseAsync();
        foreach (EventClient client in clients)
        {
            await client.DisposeAsync();
        }

        host.Log.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task A_client_that_does_not_trust_the_authority_does_not_connect()
    {
        await using EventServerHost host = await StartAsync(HttpProtocols.Http1);
        Func<Task> connect = () => EventClient.OpenAsync(new Uri(Socket(host)));

        await connect.Should().ThrowAsync<WebSocketException>();
        host.Io.ConnectionCount.Should().Be(0);
    }

    [NginxFact]
    public async Task Behind_nginx_with_TLS_clients_have_their_own_addresses_and_the_origin_is_the_pages()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.On("address", socket => $"{socket.Handshake.Address} {socket.Handshake.IsSecure}"),
            endpoints: app => app.UseForwardedHeaders(new ForwardedHeadersOptions
            {
                ForwardedHeaders = Microsoft.AspNetCore.HttpOverrides.ForwardedHeaders.XForwardedFor | Microsoft.AspNetCore.HttpOverrides.ForwardedHeaders.XForwardedProto,
            }));
        await using Nginx nginx = await Nginx.StartAsync([host.Http], _authority);

        foreach (string address in new[] { "127.0.0.1", "127.0.0.2", "127.0.0.3" })
        {
            await using EventClient client = await ConnectAsync(nginx, address, $"https://localhost:{nginx.Port}");
            (await client.AskAsync("address")).GetProperty("data").GetString().Should().Be($"{address} True");
            await host.Io.EmitAsync("news", new string('x', 100_000));
            (await client.EventAsync("news")).GetProperty("data").GetString().Should().HaveLength(100_000);
            await client.CloseAsync();
        }

        Func<Task> foreign = () => ConnectAsync(nginx, "127.0.0.1", "https://evil.example");
        (await foreign.Should().ThrowAsync<WebSocketException>()).Which.Message.Should().Contain("403");
    }

    [NginxFact]
    public async Task Behind_nginx_the_clients_address_is_limited_and_not_the_proxys()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            options: o =>
            {
                o.Limits.LimitLoopback = true;
                o.Limits.MaxConnectionsPerAddress = 2;
            },
            endpoints: app => app.UseForwardedHeaders(new ForwardedHeadersOptions
            {
                ForwardedHeaders = Microsoft.AspNetCore.HttpOverrides.ForwardedHeaders.XForwardedFor | Microsoft.AspNetCore.HttpOverrides.ForwardedHeaders.XForwardedProto,
            }));
        await using Nginx nginx = await Nginx.StartAsync([host.Http]);
        await using EventClient first = await ConnectAsync(nginx, "127.0.0.2");
        await using EventClient second = await ConnectAsync(nginx, "127.0.0.2");

        Func<Task> third = () => ConnectAsync(nginx, "127.0.0.2");
        (await third.Should().ThrowAsync<WebSocketException>()).Which.Message.Should().Contain("429");
        await using EventClient other = await ConnectAsync(nginx, "127.0.0.3");
        host.Io.ConnectionCount.Should().Be(3);
    }

    /// <summary>Connects through nginx from an address of this machine.</summary>
    internal static async Task<EventClient> ConnectAsync(Nginx nginx, string from, string? origin = null, CertificateAuthority? authority = null)
    {
        using var handler = new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, errors) => authority?.Accept(certificate) ?? errors != SslPolicyErrors.RemoteCertificateNotAvailable },
            ConnectCallback = async (context, cancellationToken) =>
            {
                var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
                await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, cancellationToken);
                return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
            },
        };
        using var invoker = new HttpMessageInvoker(handler, disposeHandler: false);
        var webSocket = new ClientWebSocket();
        if (origin is not null)
        {
            webSocket.Options.SetRequestHeader("Origin", origin);
        }

        await webSocket.ConnectAsync(nginx.Ws, invoker, CancellationToken.None);
        var client = new EventClient(webSocket);
        await client.WelcomedAsync();
        return client;
    }

    private static string Page(EventServerHost host) => $"https://localhost:{host.Http.Port}/page";

    private static string Socket(EventServerHost host) => $"wss://localhost:{host.Http.Port}/";

    private Task<EventServerHost> StartAsync(HttpProtocols protocols) => EventServerHost.StartAsync(
        io =>
        {
            io.On("protocol", socket => (string)socket.Handshake.Headers["x-protocol"]!);
            io.OnRaw("echo", (_, data) => data);
        },
        services: builder =>
        {
            builder.Services.AddSingleton<Connections>();
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = protocols;
                listen.UseHttps(_authority.Server);
            }));
        },
        endpoints: app =>
        {
            app.Use((context, next) =>
            {
                context.Request.Headers["x-protocol"] = $"{context.Request.Protocol} {context.Request.Method}";
                context.RequestServices.GetRequiredService<Connections>().All.Add(context.Connection.Id);
                return next(context);
            });
            app.MapGet("/page", () => Results.Content("<!doctype html>", "text/html"));
        });

    /// <summary>Has this test's browser trust the authority, by the store that Chromium reads on Linux.</summary>
    private async Task TrustAsync()
    {
        string store = Path.Combine(_home, ".pki", "nssdb");
        Directory.CreateDirectory(store);
        string root = Path.Combine(_home, "root.pem");
        await File.WriteAllTextAsync(root, _authority.RootPem);
        await RunningProcess.RunAsync(Within.Reason, Requirements.CertUtil!, "-d", $"sql:{store}", "-N", "--empty-password");
        await RunningProcess.RunAsync(Within.Reason, Requirements.CertUtil!, "-d", $"sql:{store}", "-A", "-t", "C,,", "-n", "test", "-i", root);
    }

    private Task<IBrowser> LaunchAsync(IPlaywright playwright) => playwright.Chromium.LaunchAsync(new()
    {
        ExecutablePath = Requirements.Browser,
        Args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
        Env = new Dictionary<string, string> { ["HOME"] = _home, ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "" },
    });

    private sealed class Connections
    {
        public System.Collections.Concurrent.ConcurrentBag<string> All { get; } = [];

        public IReadOnlyCollection<string> Ids => [.. All.Distinct()];
    }
}

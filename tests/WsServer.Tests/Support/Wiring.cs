using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace WsServer.Tests.Support;

/// <summary>How a client's bytes come to the server, and the server's to it.</summary>
public enum Wiring
{
    /// <summary>HTTP/1.1, and the server writes to its sockets itself.</summary>
    Direct,

    /// <summary>The same, where the runtime waits for the sockets.</summary>
    Awaited,

    /// <summary>HTTP/1.1 over Kestrel's own pipes.</summary>
    Piped,

    /// <summary>HTTP/1.1 with TLS, whose records the server writes to its sockets itself.</summary>
    Tls,

    /// <summary>HTTP/1.1 with TLS over Kestrel's own pipes.</summary>
    PipedTls,

    /// <summary>HTTP/2, where a connection is shared by requests.</summary>
    Http2,
}

/// <summary>Servers by their wiring.</summary>
internal static class Wirings
{
    public static Task<EventServerHost> StartAsync(
        this Wiring wiring, Action<EventServer>? setup = null, Action<EventServerOptions>? options = null, Action<WebApplication>? endpoints = null) =>
        EventServerHost.StartAsync(
            setup,
            o =>
            {
                o.DirectSends = wiring is not (Wiring.Piped or Wiring.PipedTls);
                o.SocketLoops = wiring == Wiring.Awaited ? 0 : o.SocketLoops;
                options?.Invoke(o);
            },
            services: builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => Configure(listen, wiring))),
            endpoints: endpoints);

    private static void Configure(ListenOptions listen, Wiring wiring)
    {
        listen.Protocols = wiring == Wiring.Http2 ? HttpProtocols.Http2 : HttpProtocols.Http1;
        if (wiring is Wiring.Tls or Wiring.PipedTls)
        {
            listen.UseHttps(TestCertificate.Instance);
        }
    }
}

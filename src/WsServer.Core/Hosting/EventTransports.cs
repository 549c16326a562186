using System.IO.Pipelines;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using WsServer.Connections;

namespace WsServer.Hosting;

/// <summary>
/// WebSockets as transports of the event server, for endpoints that speak another protocol over them than
/// <c>MapEvents</c> does.
/// </summary>
public static class EventTransports
{
    /// <summary>
    /// Adds what <see cref="AcceptEventTransportAsync"/> needs to the pipeline of an endpoint: the framework's
    /// <c>UseWebSockets</c>, which does the handshake, and before it a watch for the stream that it will hand out.
    /// </summary>
    public static IApplicationBuilder UseEventTransports(this IApplicationBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        return app
            .Use(next => context =>
            {
                UpgradeCapture.Install(context.Features);
                return next(context);
            })
            .UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.Zero });
    }

    /// <summary>Accepts the WebSocket of an upgrade request. The transport is to be disposed before the request ends.</summary>
    /// <param name="context">The request, for which <c>context.WebSockets.IsWebSocketRequest</c> holds.</param>
    /// <param name="maxMessageBytes">The longest message to take; a longer one is received as <see cref="TransportMessageKind.TooLarge"/>.</param>
    /// <param name="subprotocol">The subprotocol to select, one of those the client offers.</param>
    /// <remarks>
    /// The token of the transport's first receive counts for all: when it is cancelled, receiving is over for good. Pings,
    /// pongs and fragments before the last are received as <see cref="TransportMessageKind.Control"/>.
    /// </remarks>
    public static ValueTask<ITransport> AcceptEventTransportAsync(this HttpContext context, int maxMessageBytes, string? subprotocol = null)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxMessageBytes, 1);
        PermessageDeflate? deflate = AgreeOnCompression(context);
        Task<WebSocket> accepting = context.WebSockets.AcceptWebSocketAsync(subprotocol);
        return accepting.IsCompletedSuccessfully
            ? new(Create(context, accepting.GetAwaiter().GetResult(), maxMessageBytes, deflate))
            : AwaitAsync(context, accepting, maxMessageBytes, deflate);
    }

    /// <summary>
    /// Makes an endpoint one of those that lead to the event server: what is required of the server (with
    /// <c>RequireAuthorization</c>, …) is required of it, requests may bring their token as those of <c>MapEvents</c> may, and who
    /// is not signed in gets 401 and no page to sign in.
    /// </summary>
    public static TBuilder WithConventionsOf<TBuilder>(this TBuilder builder, EventServer server)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(server);
        builder.WithMetadata(TakesTokens.Instance).DisableCookieRedirect();
        builder.Add(server.ApplyConventions);
        builder.Finally(server.ApplyFinalConventions);
        return builder;
    }

    /// <summary>
    /// Whether a page of the request's <c>Origin</c> may connect; see <see cref="EventServerOptions.AllowedOrigins"/>. One that
    /// may not is counted as refused.
    /// </summary>
    public static bool IsEventOriginAllowed(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        EventServer server = context.RequestServices.GetRequiredService<EventServer>();
        bool isDevelopment = context.RequestServices.GetService<IHostEnvironment>()?.IsDevelopment() ?? false;
        if (OriginPolicy.Allows(context.Request, server.Runtime.Options.AllowedOrigins, isDevelopment))
        {
            return true;
        }

        server.Runtime.Metrics.Refused("origin");
        return false;
    }

    private static async ValueTask<ITransport> AwaitAsync(HttpContext context, Task<WebSocket> accepting, int maxMessageBytes, PermessageDeflate? deflate) =>
        Create(context, await accepting.ConfigureAwait(false), maxMessageBytes, deflate);

    private static PermessageDeflate? AgreeOnCompression(HttpContext context)
    {
        // Without the capture, frames are the framework's, which then knows nothing of an agreement.
        if (context.RequestServices.GetService<EventServer>()?.Runtime.Options.Compression is not { } options
            || UpgradeCapture.Find(context.Features) is null
            || !DeflateOffers.TryAccept(context.Request.Headers.SecWebSocketExtensions, out string? answer, out int windowBits))
        {
            return null;
        }

        context.Response.Headers.SecWebSocketExtensions = answer;
        return new PermessageDeflate(options, windowBits);
    }

    private static ITransport Create(HttpContext context, WebSocket accepted, int maxMessageBytes, PermessageDeflate? deflate)
    {
        TimeProvider time = context.RequestServices.GetRequiredService<TimeProvider>();
        return UpgradeCapture.Find(context.Features) is { } capture && capture.TryGet(out PipeReader? input, out IByteOutput? output)
            ? new FramedWebSocketTransport(input, output, maxMessageBytes, time, context.Abort, deflate, tellsControls: true)
            : new WebSocketTransport(accepted, maxMessageBytes, context.Abort);
    }
}

/// <summary>
/// Metadata of an endpoint that accepts the WebSockets of its path itself. <c>MapEvents</c>, whose paths are namespaces
/// and may match everything, leaves them to it.
/// </summary>
public sealed class TakesUpgrades;

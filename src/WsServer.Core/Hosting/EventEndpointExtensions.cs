using System.Globalization;
using System.IO.Pipelines;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using WsServer;
using WsServer.Connections;
using WsServer.Diagnostics;
using WsServer.Hosting;
using WsServer.Wire;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the event server to URLs.</summary>
public static class EventEndpointExtensions
{
    private const string RouteValue = "namespace";

    /// <summary>
    /// Accepts WebSocket connections under a base path: with <c>/</c>, <c>ws://host/chat</c> is the namespace
    /// <c>/chat</c>; with <c>/ws</c>, <c>ws://host/ws/chat</c> is. Requests that are no WebSocket upgrade pass by, so
    /// pages may live at the same URLs.
    /// </summary>
    /// <returns>The server, to register handlers on.</returns>
    /// <exception cref="InvalidOperationException"><c>AddEvents</c> was not called.</exception>
    public static EventServer MapEvents(this IEndpointRouteBuilder endpoints, string path = "/")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(path);
        EventServer server = endpoints.ServiceProvider.GetService<EventServer>()
            ?? throw new InvalidOperationException("MapEvents needs builder.Services.AddEvents().");
        IHostEnvironment? environment = endpoints.ServiceProvider.GetService<IHostEnvironment>();
        var upgrade = new UpgradeRequest(server, new OriginPolicy(server.Runtime.Options.AllowedOrigins, environment?.IsDevelopment() ?? false));

        // The handshake is the framework's; before it, the stream it will hand out is watched for.
        RequestDelegate pipeline = endpoints.CreateApplicationBuilder()
            .Use(next => upgrade.CheckAsync(next))
            .UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.Zero })
            .Use(_ => upgrade.AcceptAsync)
            .Build();
        endpoints.Map($"{path.TrimEnd('/')}/{{**{RouteValue}}}", pipeline)
            .WithMetadata(new EventEndpoint(server))
            .WithDisplayName($"Events at {path}");
        return server;
    }

    internal static string NamespaceOf(RouteValueDictionary? values) => "/" + (values?[RouteValue] as string)?.Trim('/');

    /// <summary>Answers one upgrade request.</summary>
    private sealed class UpgradeRequest(EventServer server, OriginPolicy origins)
    {
        private readonly EventRuntime _runtime = server.Runtime;

        public RequestDelegate CheckAsync(RequestDelegate next) => context =>
        {
            string origin = context.Request.Headers.Origin.ToString();
            if (!server.Exists(NamespaceOf(context.Request.RouteValues)))
            {
                return RefuseAsync(context, StatusCodes.Status404NotFound, "There is no such namespace.");
            }

            if (!origins.Allows(context.Request))
            {
                _runtime.Logger.OriginRefused(origin);
                return RefuseAsync(context, StatusCodes.Status403Forbidden, "This origin may not connect.");
            }

            UpgradeCapture.Install(context.Features);
            return next(context);
        };

        public Task AcceptAsync(HttpContext context)
        {
            if (!context.WebSockets.IsWebSocketRequest)
            {
                // RFC 6455, section 4.2.2: a version the server does not speak is answered with those it does.
                context.Response.Headers.SecWebSocketVersion = "13";
                return RefuseAsync(context, StatusCodes.Status400BadRequest, "This is no WebSocket handshake of version 13.");
            }

            if (!server.TryReserve())
            {
                double seconds = Math.Ceiling(_runtime.Options.ReconnectDelay.TotalSeconds);
                context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
                return RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "The server takes no more connections now.");
            }

            string? protocol = context.WebSockets.WebSocketRequestedProtocols.Contains(JsonPacketCodec.Subprotocol) ? JsonPacketCodec.Subprotocol : null;
            Task<WebSocket> accepting = context.WebSockets.AcceptWebSocketAsync(protocol);

            // Nothing of this method lives on with the connection when it is accepted at once, as it nearly always is.
            return accepting.IsCompletedSuccessfully ? RunAsync(context, accepting.GetAwaiter().GetResult()) : AwaitAsync(context, accepting);
        }

        private async Task AwaitAsync(HttpContext context, Task<WebSocket> accepting)
        {
            WebSocket accepted;
            try
            {
                accepted = await accepting.ConfigureAwait(false);
            }
            catch
            {
                server.Unreserve();
                throw;
            }

            await RunAsync(context, accepted).ConfigureAwait(false);
        }

        private Task<DisconnectReason> RunAsync(HttpContext context, WebSocket accepted)
        {
            bool takesBinary = context.Request.Query["binary"] == "1";
            return server.RunReservedAsync(CreateTransport(context, accepted), ToHandshake(context), NamespaceOf(context.Request.RouteValues), takesBinary);
        }

        private ITransport CreateTransport(HttpContext context, WebSocket accepted)
        {
            int limit = _runtime.Options.MaxMessageBytes;
            return UpgradeCapture.Find(context.Features) is { } capture && capture.TryGet(out PipeReader? input, out IByteOutput? output)
                ? new FramedWebSocketTransport(input, output, limit, _runtime.Time, context.Abort)
                : new WebSocketTransport(accepted, limit, context.Abort);
        }

        private static Task RefuseAsync(HttpContext context, int status, string why)
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = "text/plain; charset=utf-8";
            return context.Response.WriteAsync(why);
        }

        private Handshake ToHandshake(HttpContext context)
        {
            var handshake = new Handshake
            {
                Headers = context.Request.Headers,
                Query = context.Request.Query,
                Address = context.Connection.RemoteIpAddress,
                Time = _runtime.Time.GetUtcNow(),
                IsSecure = context.Request.IsHttps,
            };

            // Not context.User, which makes somebody anonymous where nobody was found.
            return context.Features.Get<IHttpAuthenticationFeature>()?.User is { } user ? handshake with { User = user } : handshake;
        }
    }
}

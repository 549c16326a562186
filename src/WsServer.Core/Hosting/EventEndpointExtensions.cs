using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using WsServer;
using WsServer.Connections;
using WsServer.Hosting;
using WsServer.Limits;
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
    /// <returns>
    /// The server, to register handlers on. What is required of it as of an endpoint (<c>RequireAuthorization</c>, …) holds for
    /// all endpoints that lead to it.
    /// </returns>
    /// <exception cref="InvalidOperationException"><c>AddEvents</c> was not called.</exception>
    public static EventServer MapEvents(this IEndpointRouteBuilder endpoints, string path = "/")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(path);
        EventServer server = endpoints.ServiceProvider.GetService<EventServer>()
            ?? throw new InvalidOperationException("MapEvents needs builder.Services.AddEvents().");
        var upgrade = new UpgradeRequest(server);
        RequestDelegate pipeline = endpoints.CreateApplicationBuilder()
            .Use(next => upgrade.CheckAsync(next))
            .UseEventTransports()
            .Use(_ => upgrade.AcceptAsync)
            .Build();
        endpoints.Map($"{path.TrimEnd('/')}/{{**{RouteValue}}}", pipeline)
            .WithMetadata(new EventEndpoint(server), new CountsAttempts(static _ => false, UpgradeRequest.RefuseAttemptAsync))
            .WithConventionsOf(server)
            .WithDisplayName($"Events at {path}");
        return server;
    }

    internal static string NamespaceOf(RouteValueDictionary? values) => "/" + (values?[RouteValue] as string)?.Trim('/');

    /// <summary>Answers one upgrade request.</summary>
    private sealed class UpgradeRequest(EventServer server)
    {
        private readonly EventRuntime _runtime = server.Runtime;

        public RequestDelegate CheckAsync(RequestDelegate next) => context =>
        {
            if (!context.TryCountEventAttempt(out TimeSpan retryAfter))
            {
                return RefuseAttemptAsync(context, retryAfter);
            }

            string origin = context.Request.Headers.Origin.ToString();
            if (!server.Exists(NamespaceOf(context.Request.RouteValues)))
            {
                return RefuseAsync(context, StatusCodes.Status404NotFound, "There is no such namespace.");
            }

            if (!context.IsEventOriginAllowed())
            {
                _runtime.Refusals.OriginRefused(origin);
                return RefuseAsync(context, StatusCodes.Status403Forbidden, "This origin may not connect.");
            }

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

            if (!context.TryTakeEventPlace(out ClientPlace? place, out TimeSpan retryAfter))
            {
                return RefuseForNowAsync(context, StatusCodes.Status429TooManyRequests, "There are too many connections of this address or this user.", retryAfter);
            }

            if (!server.TryReserve())
            {
                place.Dispose();
                return RefuseForNowAsync(context, StatusCodes.Status503ServiceUnavailable, "The server takes no more connections now.", _runtime.Options.ReconnectDelay);
            }

            string? protocol = context.WebSockets.WebSocketRequestedProtocols.Contains(JsonPacketCodec.Subprotocol) ? JsonPacketCodec.Subprotocol : null;
            ValueTask<ITransport> accepting = context.AcceptEventTransportAsync(_runtime.Options.MaxMessageBytes, protocol);

            // Nothing of this method lives on with the connection when it is accepted at once, as it nearly always is.
            return accepting.IsCompletedSuccessfully ? RunAsync(context, accepting.Result, place) : AwaitAsync(context, accepting, place);
        }

        private async Task AwaitAsync(HttpContext context, ValueTask<ITransport> accepting, ClientPlace place)
        {
            ITransport accepted;
            try
            {
                accepted = await accepting.ConfigureAwait(false);
            }
            catch
            {
                server.Unreserve();
                place.Dispose();
                throw;
            }

            await RunAsync(context, accepted, place).ConfigureAwait(false);
        }

        private Task<DisconnectReason> RunAsync(HttpContext context, ITransport accepted, ClientPlace place)
        {
            var wishes = UrlWishes.Of(context.Request.Query, RequestToken.TakeSession(context.Features));
            Task<DisconnectReason> running = server.RunReservedAsync(accepted, Handshake.From(context, _runtime.Time), NamespaceOf(context.Request.RouteValues), wishes, place);

            // Nobody needs to wait for a place that is no limited one's.
            return place == ClientPlace.Unlimited ? running : GiveBackAsync(running, place);
        }

        private static async Task<DisconnectReason> GiveBackAsync(Task<DisconnectReason> running, ClientPlace place)
        {
            try
            {
                return await running.ConfigureAwait(false);
            }
            finally
            {
                place.Dispose();
            }
        }

        public static Task RefuseAttemptAsync(HttpContext context, TimeSpan retryAfter) =>
            RefuseForNowAsync(context, StatusCodes.Status429TooManyRequests, "There are too many attempts to connect from this address.", retryAfter);

        private static Task RefuseForNowAsync(HttpContext context, int status, string why, TimeSpan retryAfter)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(retryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            return RefuseAsync(context, status, why);
        }

        private static Task RefuseAsync(HttpContext context, int status, string why)
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = "text/plain; charset=utf-8";
            return context.Response.WriteAsync(why);
        }
    }
}

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using WsServer.Hosting;
using WsServer.SocketIO.Diagnostics;
using WsServer.SocketIO.Engine;

namespace WsServer.SocketIO.Hosting;

/// <summary>Maps Engine.IO to a path.</summary>
internal static class EngineEndpoints
{
    /// <summary>Maps an endpoint for all methods of a path.</summary>
    /// <param name="endpoints">Where routes are added.</param>
    /// <param name="path">The path, with or without a slash at its end.</param>
    /// <param name="settings">What the sessions have in common.</param>
    /// <param name="run">Runs the client of a session until it ends, and disposes the session.</param>
    /// <param name="checksOrigin">Whether WebSockets are for pages of allowed origins only.</param>
    public static IEndpointConventionBuilder MapEngine(
        this IEndpointRouteBuilder endpoints, string path, EngineSettings settings, Func<EngineSession, Handshake, Task> run, bool checksOrigin)
    {
        var endpoint = new EngineEndpoint(settings, run);
        RequestDelegate pipeline = endpoints.CreateApplicationBuilder()
            .UseEventTransports()
            .Use(_ => context => checksOrigin && context.WebSockets.IsWebSocketRequest && !context.IsEventOriginAllowed()
                ? RefuseOriginAsync(context, settings)
                : endpoint.HandleAsync(context))
            .Build();
        return endpoints.Map($"/{path.Trim('/')}/", pipeline).WithDisplayName($"Engine.IO at {path}");
    }

    private static Task RefuseOriginAsync(HttpContext context, EngineSettings settings)
    {
        settings.Logger.OriginRefused(context.Request.Headers.Origin.ToString());
        return context.Response.RefuseAsync(EngineError.Forbidden);
    }
}

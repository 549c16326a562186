using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using WsServer.Diagnostics;
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
    /// <param name="endpoint">What answers the requests.</param>
    /// <param name="settings">What the sessions have in common.</param>
    /// <param name="checksOrigin">Whether sessions and WebSockets are for pages of allowed origins only.</param>
    public static IEndpointConventionBuilder MapEngine(
        this IEndpointRouteBuilder endpoints, string path, EngineEndpoint endpoint, EngineSettings settings, bool checksOrigin)
    {
        var refusals = new LogGate(settings.Time);
        RequestDelegate pipeline = endpoints.CreateApplicationBuilder()
            .UseEventTransports()
            .Use(_ => context =>
                endpoint.IsOneTooMany(context, out TimeSpan retryAfter) ? RefuseAttemptAsync(context, retryAfter)
                : checksOrigin ? CheckOriginAsync(context, endpoint, settings, refusals)
                : endpoint.HandleAsync(context))
            .Build();
        string route = path.Trim('/').Length == 0 ? "/" : $"/{path.Trim('/')}/";
        return endpoints.Map(route, pipeline).WithMetadata(new TakesUpgrades()).WithDisplayName($"Engine.IO at {path}");
    }

    /// <summary>Refuses a request that is one attempt too many.</summary>
    public static Task RefuseAttemptAsync(HttpContext context, TimeSpan retryAfter)
    {
        context.Response.SetRetryAfter(retryAfter);
        return context.Response.RefuseAsync(EngineError.TooManyAttempts);
    }

    private static Task CheckOriginAsync(HttpContext context, EngineEndpoint endpoint, EngineSettings settings, LogGate refusals)
    {
        ValueTask<string?> finding = OpeningOrigin.FindForeignAsync(context);
        return !finding.IsCompletedSuccessfully ? AwaitOriginAsync(finding, context, endpoint, settings, refusals)
            : finding.Result is { } origin ? RefuseOriginAsync(context, origin, settings, refusals)
            : endpoint.HandleAsync(context);
    }

    private static async Task AwaitOriginAsync(ValueTask<string?> finding, HttpContext context, EngineEndpoint endpoint, EngineSettings settings, LogGate refusals) =>
        await (await finding.ConfigureAwait(false) is { } origin ? RefuseOriginAsync(context, origin, settings, refusals) : endpoint.HandleAsync(context)).ConfigureAwait(false);

    private static Task RefuseOriginAsync(HttpContext context, string origin, EngineSettings settings, LogGate refusals)
    {
        if (refusals.TryPass(out int skipped))
        {
            settings.Logger.OriginRefused(origin, skipped);
        }

        return context.Response.RefuseAsync(EngineError.Forbidden);
    }
}

using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;
using WsServer.Hosting;

namespace WsServer.SocketIO.Hosting;

/// <summary>
/// From which pages sessions may be opened. Any page can have a browser send a request with its user's cookies; though it
/// cannot read the answer without CORS, each would hold one of the places that the user has.
/// </summary>
internal static class OpeningOrigin
{
    /// <summary>Says from where a request comes that is not allowed to open what it asks for; null when it is.</summary>
    /// <remarks>Who names a session knows its secret, so it is only WebSockets for which the page is asked for again: it may read what they bring.</remarks>
    public static ValueTask<string?> FindForeignAsync(HttpContext context)
    {
        string origin = context.Request.Headers.Origin.ToString();
        if (context.WebSockets.IsWebSocketRequest)
        {
            return new(context.IsEventOriginAllowed() ? null : origin);
        }

        if (!StringValues.IsNullOrEmpty(context.Request.Query["sid"]))
        {
            return default;
        }

        if (origin.Length > 0)
        {
            return context.IsEventOriginAllowed() ? default : FindForeignAsync(context, origin);
        }

        // Browsers send no Origin for images, scripts and links, but tell of their pages by this (where the connection is
        // encrypted, or to the machine itself). Other clients send neither.
        string site = context.Request.Headers["Sec-Fetch-Site"].ToString();
        return new(site is "cross-site" or "same-site" ? $"(none, {site})" : null);
    }

    private static async ValueTask<string?> FindForeignAsync(HttpContext context, string origin)
    {
        CorsPolicy? policy = await FindPolicyAsync(context).ConfigureAwait(false);

        // The browser would keep the answer to a request with cookies from the page if the policy did not say so.
        bool isAllowed = policy is not null
            && (policy.AllowAnyOrigin || policy.IsOriginAllowed(origin))
            && (policy.SupportsCredentials || StringValues.IsNullOrEmpty(context.Request.Headers.Cookie));
        return isAllowed ? null : origin;
    }

    // As the CORS middleware finds it, which says what it has found with the first bytes of the response only.
    private static async ValueTask<CorsPolicy?> FindPolicyAsync(HttpContext context)
    {
        ICorsMetadata? metadata = context.GetEndpoint()?.Metadata.GetMetadata<ICorsMetadata>();
        switch (metadata)
        {
            case IDisableCorsAttribute:
                return null;
            case ICorsPolicyMetadata { Policy: var policy }:
                return policy;
            default:
                ICorsPolicyProvider? policies = context.RequestServices.GetService<ICorsPolicyProvider>();
                return policies is null ? null : await policies.GetPolicyAsync(context, (metadata as IEnableCorsAttribute)?.PolicyName).ConfigureAwait(false);
        }
    }
}

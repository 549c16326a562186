using Microsoft.AspNetCore.Http;

namespace WsServer.Hosting;

/// <summary>
/// From which pages a browser may connect. Browsers send their cookies along from any page and let scripts read what
/// comes over a WebSocket, so a server that does not look at the origin lends its users' rights to every site.
/// </summary>
internal static class OriginPolicy
{
    public static bool Allows(HttpRequest request, IEnumerable<string> allowed, bool isDevelopment)
    {
        string origin = request.Headers.Origin.ToString();
        if (origin.Length == 0 || isDevelopment || allowed.Any(a => a == "*" || a.AsSpan().TrimEnd('/').Equals(origin, StringComparison.OrdinalIgnoreCase)))
        {
            return true;
        }

        // Behind a proxy that ends TLS the server sees http where the browser saw https, so https passes for either. A page
        // without TLS may be anybody's on the line: where the server itself sees TLS, that is another origin.
        // Uri leaves out a default port, as browsers do in Origin and Host.
        return Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
            && (!request.IsHttps || uri.Scheme == Uri.UriSchemeHttps)
            && string.Equals(uri.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase);
    }
}

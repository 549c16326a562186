using Microsoft.AspNetCore.Http;

namespace WsServer.Hosting;

/// <summary>
/// From which pages a browser may connect. Browsers send their cookies along from any page and let scripts read what
/// comes over a WebSocket, so a server that does not look at the origin lends its users' rights to every site.
/// </summary>
internal sealed class OriginPolicy(IEnumerable<string> allowed, bool isDevelopment)
{
    private readonly HashSet<string> _allowed = new(allowed.Select(o => o.TrimEnd('/')), StringComparer.OrdinalIgnoreCase);

    public bool Allows(HttpRequest request)
    {
        string origin = request.Headers.Origin.ToString();
        if (origin.Length == 0 || isDevelopment || _allowed.Contains("*") || _allowed.Contains(origin))
        {
            return true;
        }

        // The scheme is not compared: behind a proxy that ends TLS the server sees http where the browser saw https.
        // Uri leaves out a default port, as browsers do in Origin and Host.
        return Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
            && string.Equals(uri.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase);
    }
}

using Microsoft.AspNetCore.Http;

namespace WsServer.SocketIO.Hosting;

/// <summary>How a client came that goes on after the request it came with.</summary>
internal static class DetachedHandshake
{
    /// <summary>That of a request, with copies of what the web server uses again for others.</summary>
    public static Handshake From(HttpContext context, TimeProvider time)
    {
        var headers = new HeaderDictionary();
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in context.Request.Headers)
        {
            headers[name] = values;
        }

        return Handshake.From(context, time) with
        {
            Headers = headers,
            Query = new QueryCollection(context.Request.Query.ToDictionary(StringComparer.OrdinalIgnoreCase)),
        };
    }
}

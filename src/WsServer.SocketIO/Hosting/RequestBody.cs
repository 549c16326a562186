using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace WsServer.SocketIO.Hosting;

/// <summary>Reads the body of a polling request.</summary>
internal static class RequestBody
{
    private const int FirstBytes = 4 * 1024;

    /// <summary>Reads the whole body. What is claimed to come takes no memory before it does.</summary>
    /// <returns>The body; null when it is larger than allowed.</returns>
    public static async ValueTask<Memory<byte>?> TryReadAsync(HttpRequest request, int maxBytes)
    {
        if (request.ContentLength > maxBytes)
        {
            return null;
        }

        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            // The server's own limit is for everything else: it would break the request off, where the session is to survive.
            limit.MaxRequestBodySize = null;
        }

        byte[] buffer = new byte[Math.Min(request.ContentLength ?? FirstBytes, FirstBytes) + 1];
        int length = 0;
        while (true)
        {
            int count = await request.Body.ReadAsync(buffer.AsMemory(length), request.HttpContext.RequestAborted).ConfigureAwait(false);
            if (count == 0)
            {
                return buffer.AsMemory(0, length);
            }

            length += count;
            if (length > maxBytes)
            {
                return null;
            }

            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, (int)Math.Min(2L * length, maxBytes + 1L));
            }
        }
    }
}

using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http;
using WsServer.SocketIO.Engine;
using WsServer.Wire;

namespace WsServer.SocketIO.Hosting;

/// <summary>The responses of the protocol.</summary>
internal static class EngineResponses
{
    /// <summary>Says after how long to try again.</summary>
    public static void SetRetryAfter(this HttpResponse response, TimeSpan time) =>
        response.Headers.RetryAfter = Math.Ceiling(time.TotalSeconds).ToString(CultureInfo.InvariantCulture);

    /// <summary>Refuses a request.</summary>
    public static Task RefuseAsync(this HttpResponse response, EngineError error)
    {
        response.ContentType = "application/json";
        return WriteAsync(response, error.Status, $$"""{"code":{{error.Code}},"message":"{{error.Message}}"}""");
    }

    /// <summary>Refuses the upgrade of a WebSocket.</summary>
    public static Task RefuseUpgradeAsync(this HttpResponse response, EngineError error)
    {
        response.ContentType = "text/plain; charset=UTF-8";
        response.Headers.Connection = "close";
        return WriteAsync(response, error.Status, error.Message);
    }

    /// <summary>Answers a GET with packets.</summary>
    /// <returns>False when the client is gone, and the packets with it.</returns>
    public static async Task<bool> WritePacketsAsync(this HttpResponse response, IReadOnlyList<EncodedPacket> packets)
    {
        response.ContentType = "text/plain; charset=UTF-8";
        response.Headers.CacheControl = "no-store";
        response.ContentLength = PollingPayload.LengthOf(packets);
        PollingPayload.Write(packets, response.BodyWriter);
        FlushResult flushed = await response.BodyWriter.FlushAsync().ConfigureAwait(false);
        return !flushed.IsCompleted;
    }

    /// <summary>Answers a POST whose packets were taken.</summary>
    public static Task WriteOkAsync(this HttpResponse response)
    {
        // No page, whatever the type says: no browser is to read one into it.
        response.ContentType = "text/html";
        response.Headers.CacheControl = "no-store";
        return WriteAsync(response, StatusCodes.Status200OK, "ok");
    }

    private static Task WriteAsync(HttpResponse response, int status, string text)
    {
        byte[] body = Encoding.UTF8.GetBytes(text);
        response.StatusCode = status;
        response.ContentLength = body.Length;
        return response.Body.WriteAsync(body).AsTask();
    }
}

using Microsoft.Extensions.Logging;

namespace WsServer.SocketIO.Diagnostics;

/// <summary>Every log message of the library.</summary>
internal static partial class Log
{
    [LoggerMessage(101, LogLevel.Debug, "Sending to a client failed.")]
    public static partial void SendFailed(this ILogger logger, Exception exception);

    [LoggerMessage(102, LogLevel.Debug, "A WebSocket did not become the transport of session {Sid}.")]
    public static partial void UpgradeFailed(this ILogger logger, Exception exception, string sid);

    [LoggerMessage(103, LogLevel.Error, "A session ended by a failure of the server.")]
    public static partial void SessionFailed(this ILogger logger, Exception exception);

    [LoggerMessage(104, LogLevel.Debug, "A polling request was broken off.")]
    public static partial void RequestBroken(this ILogger logger, Exception exception);

    [LoggerMessage(105, LogLevel.Warning, "A session or a WebSocket was refused: the origin {Origin} is not allowed. See EventServerOptions.AllowedOrigins, and RequireCors for polling. {Skipped} refusals before it were not logged.")]
    public static partial void OriginRefused(this ILogger logger, string origin, int skipped);

    [LoggerMessage(106, LogLevel.Warning, "A session was refused: the server takes no more connections now (MaxConnections is {Count}). {Skipped} refusals before it were not logged.")]
    public static partial void TooManySessions(this ILogger logger, int count, int skipped);
}

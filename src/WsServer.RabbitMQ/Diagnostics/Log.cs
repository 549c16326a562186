using Microsoft.Extensions.Logging;

namespace WsServer.RabbitMQ.Diagnostics;

/// <summary>Every log message of the library.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Node {Node} is connected to {Broker}. Its queue was kept: {IsResumed}.")]
    public static partial void Connected(this ILogger logger, string node, BrokerAddress broker, bool isResumed);

    [LoggerMessage(2, LogLevel.Warning, "The connection to {Broker} is lost: {Why}")]
    public static partial void ConnectionLost(this ILogger logger, BrokerAddress broker, string why);

    [LoggerMessage(3, LogLevel.Warning, "Connecting to {Broker} failed: {Why} The next attempt is in {Delay}.")]
    public static partial void AttemptFailed(this ILogger logger, BrokerAddress broker, string why, TimeSpan delay);

    [LoggerMessage(4, LogLevel.Warning, "{Broker} takes no messages for now: {Reason}")]
    public static partial void Blocked(this ILogger logger, BrokerAddress broker, string reason);

    [LoggerMessage(5, LogLevel.Information, "{Broker} takes messages again.")]
    public static partial void Unblocked(this ILogger logger, BrokerAddress broker);

    [LoggerMessage(6, LogLevel.Warning, "The broker could not take a message, which is lost for some nodes. {Skipped} before it were not logged.")]
    public static partial void Refused(this ILogger logger, int skipped);

    [LoggerMessage(7, LogLevel.Warning, "A message of {Bytes} bytes was not published: MaxMessageBytes is {Limit}. {Skipped} before it were not logged.")]
    public static partial void TooLarge(this ILogger logger, int bytes, int limit, int skipped);

    [LoggerMessage(8, LogLevel.Debug, "Closing the connection took too long or failed.")]
    public static partial void CloseFailed(this ILogger logger, Exception exception);
}

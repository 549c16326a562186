using Microsoft.Extensions.Logging;

namespace WsServer.SocketIO.Engine;

/// <summary>What the sessions of one endpoint have in common.</summary>
/// <param name="PingInterval">From the open or a pong to the next ping.</param>
/// <param name="PingTimeout">From a ping to the end of a client that has not answered it.</param>
/// <param name="UpgradeTimeout">How long a WebSocket may take to become a session's transport.</param>
/// <param name="MaxPayload">The largest body of a POST and the largest WebSocket message, in bytes.</param>
/// <param name="MaxSessions">How many sessions there may be at once.</param>
/// <param name="Time">The clock of the timers.</param>
/// <param name="Logger">Where failures are told.</param>
internal sealed record EngineSettings(
    TimeSpan PingInterval, TimeSpan PingTimeout, TimeSpan UpgradeTimeout, int MaxPayload, int MaxSessions, TimeProvider Time, ILogger Logger)
{
    /// <summary>After how long to try again when there is no room.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(1);
}

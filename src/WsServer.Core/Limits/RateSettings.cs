using WsServer.Diagnostics;

namespace WsServer.Limits;

/// <summary>What the rates of all connections have in common.</summary>
/// <param name="PerConnection">What one connection may send; null when that is not limited.</param>
/// <param name="Time">The clock of the buckets.</param>
/// <param name="Metrics">Where dropped messages are counted.</param>
/// <param name="Log">Where it is told whose connection is closed.</param>
internal sealed record RateSettings(RateLimit? PerConnection, TimeProvider Time, EventMetrics Metrics, RefusalLog Log);

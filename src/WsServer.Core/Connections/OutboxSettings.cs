using Microsoft.Extensions.Logging;
using WsServer.Diagnostics;

namespace WsServer.Connections;

/// <summary>What an outbox needs from the server, the same for all connections.</summary>
/// <param name="MaxBytes">How much may wait for a client beyond the message being written.</param>
/// <param name="ErrorBudget">How many errors a client may cause.</param>
/// <param name="Time">The clock.</param>
/// <param name="Metrics">What counts.</param>
/// <param name="Logger">Where it is logged.</param>
/// <param name="ShardSize">How many clients one thread sends to.</param>
/// <param name="MaxDroppableBytes">How much of what waits may be such as a policy allows to drop; half of all by default.</param>
internal sealed record OutboxSettings(
    long MaxBytes, int ErrorBudget, TimeProvider Time, EventMetrics Metrics, ILogger Logger, int ShardSize = 2_048, long? MaxDroppableBytes = null)
{
    /// <summary>The same, as it is with a smaller <see cref="MaxBytes"/>.</summary>
    public long DroppableBytes { get; } = Math.Min(MaxDroppableBytes ?? (MaxBytes / 2), MaxBytes);
}

using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace WsServer.Hosting;

/// <summary>
/// Whether clients should be sent to this server: not healthy from the moment it is asked to stop, degraded while it takes
/// no more connections.
/// </summary>
internal sealed class EventServerHealthCheck(EventServer server) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var data = new Dictionary<string, object>
        {
            ["connections"] = server.ConnectionCount,
            ["maxConnections"] = server.Places.Limit,
            ["hungHandlers"] = server.Watch.Hung,
        };
        return Task.FromResult(
            !server.IsReady ? new HealthCheckResult(context.Registration.FailureStatus, "The server is stopping.", data: data)
            : server.Places.Refusal is { } why ? HealthCheckResult.Degraded(why, data: data)
            : HealthCheckResult.Healthy(data: data));
    }
}

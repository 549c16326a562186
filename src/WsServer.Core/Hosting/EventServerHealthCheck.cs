using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace WsServer.Hosting;

/// <summary>
/// Whether clients should be sent to this server: not healthy from the moment it is asked to stop, degraded while it takes
/// no more connections, or has no connection to the other nodes.
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
        if (server.Runtime.Node is { } node)
        {
            data["nodes"] = node.Members.Count;
        }

        return Task.FromResult(
            !server.IsReady ? new HealthCheckResult(context.Registration.FailureStatus, "The server is stopping.", data: data)
            : server.Runtime.Node is { IsConnected: false } ? HealthCheckResult.Degraded("There is no connection to the other nodes.", data: data)
            : server.Places.Refusal is { } why ? HealthCheckResult.Degraded(why, data: data)
            : HealthCheckResult.Healthy(data: data));
    }
}

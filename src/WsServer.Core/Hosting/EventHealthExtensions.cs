using Microsoft.Extensions.Diagnostics.HealthChecks;
using WsServer.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the event server to the health checks.</summary>
public static class EventHealthExtensions
{
    /// <summary>
    /// Adds a check of the event server: <see cref="HealthStatus.Unhealthy"/> from the moment it is asked to stop, which is
    /// before clients are told (see <see cref="WsServer.EventServerOptions.DrainDelay"/>), and <see cref="HealthStatus.Degraded"/>
    /// while it takes no more connections, because there are <see cref="WsServer.EventServerOptions.MaxConnections"/> or
    /// because of <see cref="WsServer.EventServerOptions.MemoryPressure"/>. For readiness, not for liveness: its clients
    /// are served all the while.
    /// </summary>
    /// <param name="builder">Of <c>AddHealthChecks</c>.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="failureStatus">What a stopping server reports; unhealthy by default.</param>
    /// <param name="tags">Tags to choose checks by.</param>
    public static IHealthChecksBuilder AddEvents(
        this IHealthChecksBuilder builder, string name = "events", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddCheck<EventServerHealthCheck>(name, failureStatus, tags ?? ["ready"]);
    }
}

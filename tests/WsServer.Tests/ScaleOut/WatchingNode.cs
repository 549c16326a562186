using WsServer.Tests.Support;

namespace WsServer.Tests.ScaleOut;

/// <summary>A node in the test's own process, with the namespaces of <c>src/WsServer</c>, which can be asked what it knows of the others.</summary>
internal static class WatchingNode
{
    public static Task<EventServerHost> StartAsync(string broker, string exchange) => EventServerHost.StartAsync(
        io => io.Of("/chat"),
        options =>
        {
            options.Cluster.Name = "watcher";
            options.Cluster.HeartbeatInterval = TimeSpan.FromSeconds(0.3);
            options.Cluster.NodeTimeout = TimeSpan.FromSeconds(3);
        },
        services: builder => builder.Services.AddRabbitMQ(broker, o => o.Exchange = exchange));
}

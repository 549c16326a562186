using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using WsServer;
using WsServer.SocketIO;
using WsServer.SocketIO.Engine;
using WsServer.SocketIO.Hosting;
using WsServer.SocketIO.Wire;
using WsServer.Wire;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the event server to a path for Socket.IO clients.</summary>
public static class SocketIOEndpointExtensions
{
    /// <summary>Maps Engine.IO with a codec for what its messages say.</summary>
    internal static IEndpointConventionBuilder MapSocketIO(
        this IEndpointRouteBuilder endpoints, IPacketCodec codec, string path = "/socket.io/", Action<SocketIOOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(path);
        IServiceProvider services = endpoints.ServiceProvider;
        EventServer server = services.GetService<EventServer>()
            ?? throw new InvalidOperationException("MapSocketIO needs builder.Services.AddEvents().");
        var options = new SocketIOOptions();
        configure?.Invoke(options);
        options.Validate();
        EventServerOptions events = services.GetRequiredService<IOptions<EventServerOptions>>().Value;
        var settings = new EngineSettings(
            options.PingInterval ?? events.PingInterval,
            options.PingTimeout ?? events.PingTimeout,
            options.UpgradeTimeout,
            options.MaxPayload,
            events.MaxConnections,
            services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ILoggerFactory>().CreateLogger("WsServer.SocketIO"));
        return endpoints.MapEngine(path, settings, RunAsync, checksOrigin: true);

        Task RunAsync(EngineSession session, Handshake handshake)
        {
            session.Assembler = new PacketAssembler(options.MaxPayload);
            return server.RunAsync(session, handshake, ns: null, codec);
        }
    }
}

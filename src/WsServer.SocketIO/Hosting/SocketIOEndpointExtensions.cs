using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using WsServer;
using WsServer.Hosting;
using WsServer.SocketIO;
using WsServer.SocketIO.Engine;
using WsServer.SocketIO.Hosting;
using WsServer.SocketIO.Wire;
using WsServer.Wire;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the event server to a path for Socket.IO clients.</summary>
public static class SocketIOEndpointExtensions
{
    /// <summary>
    /// Lets Socket.IO clients in at a path: with polling, WebSockets, and the upgrade from one to the other. They share
    /// namespaces and rooms with all others. Below the path lies the script of the client, see
    /// <see cref="SocketIOOptions.ClientDirectory"/>. What it returns takes <c>RequireAuthorization</c>, and <c>RequireCors</c>
    /// for pages of other origins that poll, which are refused without; from where WebSockets may come is in
    /// <see cref="EventServerOptions.AllowedOrigins"/>.
    /// </summary>
    /// <param name="endpoints">Where routes are added.</param>
    /// <param name="path">The path, with or without a slash at its end.</param>
    /// <param name="configure">Sets options of the endpoint.</param>
    /// <exception cref="InvalidOperationException"><c>AddEvents</c> was not called.</exception>
    /// <exception cref="OptionsValidationException">An option is wrong.</exception>
    public static IEndpointConventionBuilder MapSocketIO(
        this IEndpointRouteBuilder endpoints, string path = "/socket.io/", Action<SocketIOOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        EventServer server = FindServer(endpoints);
        EventServerOptions events = FindEventOptions(endpoints);
        return endpoints.MapSocketIO(
            options => new SocketIOCodec(server.Names, events.MaxEventNameLength, events.MaxJsonDepth, options.ConnectionStateRecovery), path, configure);
    }

    /// <summary>The same with another codec for what the messages say.</summary>
    internal static IEndpointConventionBuilder MapSocketIO(
        this IEndpointRouteBuilder endpoints, Func<SocketIOOptions, IPacketCodec> createCodec, string path = "/socket.io/", Action<SocketIOOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        EventServer server = FindServer(endpoints);
        EventServerOptions events = FindEventOptions(endpoints);
        var options = new SocketIOOptions();
        endpoints.ServiceProvider.GetService<IConfiguration>()?.GetSection(SocketIOOptions.SectionName).Bind(options);
        configure?.Invoke(options);
        options.Validate();
        IPacketCodec codec = createCodec(options);
        var settings = new EngineSettings(
            options.PingInterval ?? events.PingInterval,
            options.PingTimeout ?? events.PingTimeout,
            options.UpgradeTimeout,
            options.MaxPayload,
            events.MaxConnections,
            endpoints.ServiceProvider.GetRequiredService<TimeProvider>(),
            server.CreateLogger("WsServer.SocketIO"))
        {
            RetryAfter = events.ReconnectDelay,
        };
        var endpoint = new EngineEndpoint(settings, RunAsync, isLimited: true, isFull: () => !server.TakesConnections);
        endpoints.MapClientFiles(path, FindClientDirectory(endpoints, options));
        return endpoints.MapEngine(path, endpoint, settings, checksOrigin: true)
            .WithMetadata(new CountsAttempts(endpoint.IsAttempt, EngineEndpoints.RefuseAttemptAsync))
            .WithConventionsOf(server);

        Task RunAsync(EngineSession session, Handshake handshake)
        {
            session.Assembler = new PacketAssembler(options.MaxPacketBytes);
            return server.RunAsync(session, handshake, ns: null, codec, session.Place);
        }
    }

    private static string? FindClientDirectory(IEndpointRouteBuilder endpoints, SocketIOOptions options) => string.IsNullOrEmpty(options.ClientDirectory)
        ? null
        : Path.GetFullPath(options.ClientDirectory, endpoints.ServiceProvider.GetRequiredService<IHostEnvironment>().ContentRootPath);

    private static EventServer FindServer(IEndpointRouteBuilder endpoints) => endpoints.ServiceProvider.GetService<EventServer>()
        ?? throw new InvalidOperationException("MapSocketIO needs builder.Services.AddEvents().");

    private static EventServerOptions FindEventOptions(IEndpointRouteBuilder endpoints) =>
        endpoints.ServiceProvider.GetRequiredService<IOptions<EventServerOptions>>().Value;
}

using System.Text.Json;

namespace WsServer.Conformance;

/// <summary>What the test suite of the Socket.IO protocol expects: two namespaces that say and send back what they were told.</summary>
internal static class SocketSuite
{
    public static void Configure(EventServerOptions options)
    {
        options.PingInterval = TimeSpan.FromMilliseconds(300);
        options.PingTimeout = TimeSpan.FromMilliseconds(200);
        options.ConnectTimeout = TimeSpan.FromSeconds(1);
        options.AllowedOrigins.Add("*");
    }

    public static void MapSocketSuite(this WebApplication app)
    {
        EventServer io = app.Services.GetRequiredService<EventServer>();
        app.MapSocketIO();
        Serve(io.Root);
        Serve(io.Of("/custom"));
    }

    private static void Serve(EventNamespace ns)
    {
        ns.OnConnection(socket => socket.EmitAsync("auth", socket.Handshake.Auth ?? JsonElement.Parse("{}")));
        ns.On("message", (socket, arguments) => socket.EmitAsync("message-back", arguments));
        ns.On("message-with-ack", (_, arguments) => Task.FromResult(arguments));
    }
}

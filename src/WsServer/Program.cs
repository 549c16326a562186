using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using WsServer;

// The settings are in appsettings.json, sections "Events" and "SocketIO"; docs/guide.md lists them.
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.UsePort(3000);
builder.UsePageFolder();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
builder.Services.AddEvents();
builder.UseRabbitMQ();
builder.Services.AddHealthChecks().AddEvents();

WebApplication app = builder.Build();

// The page and the WebSocket live on the same URL: GET / is the page, an upgrade on / is the namespace.
app.UsePageHeaders();
app.UseDefaultFiles();
app.UseStaticFiles();
EventServer io = app.MapEvents("/");
app.MapSocketIO();

io.MapLobby();
io.Of("/chat").MapRooms();

// Anything in the application can emit: any endpoint, controller or background service asks for EventServer.
app.MapGet("/status", (EventServer server) => new ServerStatus(server.ConnectionCount, server.Namespaces.ToDictionary(n => n.Name, n => n.SocketCount)));

// For balancers: whether the process lives, and whether clients should be sent to it.
app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
app.MapHealthChecks("/health/ready");

await app.RunAsync();

/// <summary>What <c>GET /status</c> answers.</summary>
/// <param name="Connections">How many connections are open.</param>
/// <param name="Sockets">How many sockets are in each namespace.</param>
internal sealed record ServerStatus(int Connections, IReadOnlyDictionary<string, int> Sockets);

using Microsoft.AspNetCore.Http.Connections;
using WsServer.LoadPeers;
using WsServer.LoadServer;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Logging.ClearProviders();
string? server = builder.Configuration["server"];
if (server is not ("signalr" or "kestrel"))
{
    await Console.Error.WriteLineAsync("--server is signalr or kestrel.");
    return 2;
}

if (server == "signalr")
{
    builder.Services.AddSignalR();
}

WebApplication app = builder.Build();
if (server == "signalr")
{
    app.MapHub<LoadHub>("/hub", options => options.Transports = HttpTransportType.WebSockets);
}
else
{
    app.UseWebSockets();
    app.MapGet("/", new PeerServer().AcceptAsync);
}

app.MapStats();
await app.RunAsync();
return 0;

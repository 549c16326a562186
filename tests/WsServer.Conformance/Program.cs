using WsServer.Conformance;

// A server for the published test suites, one at a time: --suite engine|socket|client --port 3000.
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
string suite = builder.Configuration["suite"] ?? "engine";
builder.WebHost.UseUrls($"http://localhost:{builder.Configuration["port"] ?? "3000"}");
builder.Services.AddEvents(suite == "client" ? ClientSuite.Configure : SocketSuite.Configure);

WebApplication app = builder.Build();
switch (suite)
{
    case "engine":
        app.MapEngineSuite();
        break;
    case "socket":
        app.MapSocketSuite();
        break;
    case "client":
        app.MapClientSuite();
        break;
    default:
        Console.Error.WriteLine($"There is no suite '{suite}'.");
        return 1;
}

await app.RunAsync();
return 0;

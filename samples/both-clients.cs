// Clients of both kinds in one room: the browser's own WebSocket, and Socket.IO's client.
//
//   npm ci                                        (once, in samples: Socket.IO's client comes from npm)
//   dotnet run samples/both-clients.cs            open http://localhost:3000 and write into either half
//   wscat -c ws://localhost:3000
//   > {"event":"say","data":"hi"}
//   < {"event":"said","data":{"from":"WebSocket","text":"hi"}}     (everybody, whatever they speak)
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/WsServer.SocketIO
#:property PublishAot=false

using WsServer;

string samples = (string)AppContext.GetData("EntryPointFileDirectoryPath")!;
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://localhost:3000";
builder.Services.AddEvents();
WebApplication app = builder.Build();

app.MapGet("/", () => TypedResults.PhysicalFile(Path.Combine(samples, "both-clients.html"), "text/html; charset=utf-8"));
EventServer io = app.MapEvents("/");
app.MapSocketIO(configure: options => options.ClientDirectory ??= Path.Combine(samples, "node_modules/socket.io-client/dist"));

io.OnConnection(socket => socket.JoinAsync("everybody"));
io.On<string>("say", (socket, text) => io.To("everybody").EmitAsync("said", new Said(KindOf(socket), text)));

await app.RunAsync();

static string KindOf(EventSocket socket) => socket.Handshake.Query.ContainsKey("EIO") ? "Socket.IO" : "WebSocket";

internal sealed record Said(string From, string Text);

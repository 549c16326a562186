// Who gets an event: everyone, everyone but me, or only me. An HTTP endpoint can emit, too.
//
//   dotnet run samples/broadcast.cs
//   wscat -c ws://localhost:3000                  (twice)
//   > {"event":"message","data":"to everyone"}
//   < {"event":"response","data":"to everyone"}   (both)
//   > {"event":"broadcast","data":"to the others"}
//   < {"event":"response","data":"to the others"} (the other one)
//   > {"event":"echo","data":"to me"}
//   < {"event":"response","data":"to me"}
//
//   curl -X POST "http://localhost:3000/announce?text=Lunch"
//   < {"event":"announcement","data":"Lunch"}     (both)
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/WsServer.Core
#:property PublishAot=false

using WsServer;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://localhost:3000";
builder.Services.AddEvents();
WebApplication app = builder.Build();
EventServer io = app.MapEvents("/");

io.On("message", (_, data) => io.EmitAsync("response", data));

io.On("broadcast", (socket, data) => socket.Broadcast.EmitAsync("response", data));

io.On("echo", (socket, data) => socket.EmitAsync("response", data));

app.MapPost("/announce", (string text, EventServer server) => server.EmitAsync("announcement", text));

await app.RunAsync();

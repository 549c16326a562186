using WsServer;
using WsServer.LoadServer;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Logging.ClearProviders();
builder.Services.AddEvents();

WebApplication app = builder.Build();
EventServer io = app.MapEvents("/");

io.On("broadcast", (_, data) => io.EmitAsync("broadcast", data));
io.On("echo", (_, data) => Task.FromResult(data));
io.On<string>("join", (socket, room) => socket.JoinAsync(room));
io.On<RoomMessage>("toRoom", (_, message) => io.To(message.Room).EmitAsync("toRoom", message.Msg));

app.MapStats();
await app.RunAsync();

/// <summary>A message for everyone in a room.</summary>
internal sealed record RoomMessage(string Room, string Msg);

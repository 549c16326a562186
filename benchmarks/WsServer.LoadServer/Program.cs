using WsServer;
using WsServer.LoadServer;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Logging.ClearProviders();
builder.Services.AddEvents();

WebApplication app = builder.Build();
EventServer io = app.MapEvents("/");

// For the scenario of clients that have stopped reading; --server-env WhenSlow=DropOldest
SlowConsumerPolicy? policy = builder.Configuration["WhenSlow"] switch
{
    null => null,
    "DropNewest" => SlowConsumerPolicy.DropNewest,
    "DropOldest" => SlowConsumerPolicy.DropOldest,
    "Conflate" => SlowConsumerPolicy.Conflate("broadcast"),
    string other => throw new InvalidOperationException($"WhenSlow is {other}; it is DropNewest, DropOldest or Conflate."),
};
if (policy is not null)
{
    io.WhenSlow("broadcast", policy);
}

// What a server does that carries as much as it can: it relays what it has received without reading it.
io.OnRaw("broadcast", (_, data) => io.EmitAsync("broadcast", data));
io.OnRaw("echo", (_, data) => data);
io.On<string>("join", (socket, room) => socket.JoinAsync(room));
io.OnRaw("toRoom", (_, data) =>
{
    Span<char> buffer = stackalloc char[64];
    if (data.TryGetMember("room"u8, out RawArguments name) && name.TryGetString(buffer, out ReadOnlySpan<char> room)
        && data.TryGetMember("msg"u8, out RawArguments message))
    {
        io.To(room).EmitAsync("toRoom", message);
    }
});

app.MapStats();
await app.RunAsync();

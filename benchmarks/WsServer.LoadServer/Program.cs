using WsServer;
using WsServer.LoadServer;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Logging.ClearProviders();
builder.Services.AddEvents(options =>
{
    // The load comes from a few connections of one machine, as no users do. The rates are not off: what they cost is to
    // be in what is measured.
    foreach (ReceiveRate rate in new[] { options.Limits.PerConnection, options.Limits.PerUser, options.Limits.PerAddress })
    {
        rate.MessagesPerSecond = 100_000_000;
        rate.MessageBurst = 1_000_000_000;
        rate.BytesPerSecond = rate.ByteBurst = 1L << 40;
    }
});

// For --scale-out: one of several nodes.
if (builder.Configuration["Events:RabbitMQ"] is not null)
{
    builder.Services.AddRabbitMQ();
}

using var backplane = new BackplaneCounters();
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
app.MapGet("/backplane", backplane.Read);
await app.RunAsync();

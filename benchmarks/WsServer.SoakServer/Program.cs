using WsServer;
using WsServer.LoadServer;
using WsServer.SoakServer;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Logging.ClearProviders();
var errors = new ErrorCounter();
builder.Logging.AddProvider(errors);
builder.Services.AddEvents();

WebApplication app = builder.Build();
EventServer io = app.MapEvents("/");
app.MapSocketIO();

io.MapLobby();
io.Of("/chat").MapRooms();

// The server asks as well: once when it is asked to, and once with nobody who will ever answer.
EventNamespace ask = io.Of("/ask");
ask.On<int, int>("ask-me", async (socket, number) => await socket.EmitAsync<int>("question", number, TimeSpan.FromSeconds(20)));
io.Of("/churn").OnConnection(async socket =>
{
    await socket.JoinAsync("everybody", $"own-{socket.Id}");
    _ = AskAsync(socket);
});

using var buffers = new RentedBuffers();
app.MapStats();
app.MapCounts(io, errors, buffers);
await app.RunAsync();

static async Task AskAsync(EventSocket socket)
{
    try
    {
        await socket.EmitAsync<int>("question", TimeSpan.FromHours(1));
    }
    catch (EventException)
    {
        // Its client is gone: what it owed is settled.
    }
}

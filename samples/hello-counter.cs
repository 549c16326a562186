// The server counts for each client, once a second, and prints what the clients say.
//
//   dotnet run samples/hello-counter.cs
//   wscat -c ws://localhost:3000
//   < {"connected":"/","sid":"…"}
//   < {"event":"hello","data":1}
//   < {"event":"hello","data":2}
//   > {"event":"hey","data":{"counter":2}}        (the server prints: hey 2)
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/WsServer.Core
#:property PublishAot=false

using WsServer;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://localhost:3000";
builder.Services.AddEvents();
WebApplication app = builder.Build();
EventServer io = app.MapEvents("/");

// A connection's events wait until OnConnection is done, so what goes on for longer is a task of its own.
io.OnConnection(socket => { _ = CountAsync(socket); });

io.On<Hey>("hey", (_, hey) => Console.WriteLine($"hey {hey.Counter}"));

await app.RunAsync();

static async Task CountAsync(EventSocket socket)
{
    using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
    try
    {
        for (int counter = 1; await timer.WaitForNextTickAsync(socket.ConnectionAborted); counter++)
        {
            await socket.EmitAsync("hello", counter);
        }
    }
    catch (OperationCanceledException)
    {
        // The client has left.
    }
}

internal sealed record Hey(int Counter);

// Acks in both directions: the server asks each client something, and answers what it is asked.
//
//   dotnet run samples/acks.cs
//   wscat -c ws://localhost:3000
//   < {"event":"hello","data":"world","id":1}
//   > {"ack":1,"data":"got it"}                   (the server prints: hello was acknowledged with "got it")
//   > {"event":"nestjs","data":"?","id":1}
//   < {"ack":1,"data":"framework"}
//   > {"event":"typescript","data":"language"}    (no id, no ack; the server prints: typescript "language")
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/WsServer.Core
#:property PublishAot=false

using System.Text.Json;
using WsServer;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://localhost:3000";
builder.Services.AddEvents();
WebApplication app = builder.Build();
EventServer io = app.MapEvents("/");

// A connection's events wait until OnConnection is done, and a person may take a while to answer.
io.OnConnection(socket => { _ = AskAsync(socket); });

io.On("nestjs", _ => Task.FromResult("framework"));

io.On("typescript", (_, data) => Console.WriteLine($"typescript {data}"));

await app.RunAsync();

static async Task AskAsync(EventSocket socket)
{
    try
    {
        JsonElement answer = await socket.EmitAsync<JsonElement>("hello", "world", TimeSpan.FromMinutes(1));
        Console.WriteLine($"hello was acknowledged with {answer.GetRawText()}");
    }
    catch (EventException exception)
    {
        // timeout: no answer within the minute; not_connected: the client left; or the client's own error.
        Console.WriteLine($"hello was not acknowledged: {exception.Code}");
    }
}

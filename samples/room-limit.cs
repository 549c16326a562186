// A room that holds two.
//
//   dotnet run samples/room-limit.cs
//   wscat -c ws://localhost:3000                  (three times)
//   > {"event":"join","data":"table"}
//   < {"event":"result","data":"success"}         (the first two)
//   < {"event":"result","data":"failed"}          (the third, until one of them leaves)
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/WsServer.Core
#:property PublishAot=false

using WsServer;

const int Seats = 2;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://localhost:3000";
builder.Services.AddEvents();
WebApplication app = builder.Build();
EventServer io = app.MapEvents("/");

// Sockets' handlers run side by side. Counting and joining must be one step, or two would take the last seat.
using var door = new SemaphoreSlim(1);

io.On<string>("join", async (socket, room, cancellationToken) =>
{
    await door.WaitAsync(cancellationToken);
    bool isIn = socket.Rooms.Contains(room);
    try
    {
        if (!isIn && await io.In(room).CountAsync() < Seats)
        {
            await socket.JoinAsync(room);
            isIn = true;
        }
    }
    finally
    {
        door.Release();
    }

    await socket.EmitAsync("result", isIn ? "success" : "failed");
});

io.On<string>("leave", (socket, room) => socket.LeaveAsync(room));

await app.RunAsync();

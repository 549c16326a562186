// Rooms: a message reaches those who have joined the same room, and nobody else.
//
//   dotnet run samples/rooms.cs
//   wscat -c ws://localhost:3000/room             (several times, with different ids)
//   > {"event":"join","data":{"id":"blue"}}
//   > {"event":"message","data":"hello, blue"}
//   < {"event":"message","data":"hello, blue"}    (everyone in blue)
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/WsServer.Core
#:property PublishAot=false

using WsServer;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://localhost:3000";
builder.Services.AddEvents();
WebApplication app = builder.Build();
EventServer io = app.MapEvents("/");

EventNamespace rooms = io.Of("/room");

rooms.On<Join>("join", async (socket, join) =>
{
    Place place = socket.Get<Place>();
    if (place.Room is { } old)
    {
        await socket.LeaveAsync(old);
    }

    place.Room = join.Id;
    await socket.JoinAsync(join.Id);
});

rooms.On("message", (socket, data) =>
    socket.Get<Place>().Room is { } room
        ? rooms.To(room).EmitAsync("message", data)
        : throw new EventException("not_in_room", "Join a room before you talk in it."));

await app.RunAsync();

internal sealed record Join(string Id);

/// <summary>Where a socket is; it goes with the socket.</summary>
internal sealed class Place
{
    public string? Room { get; set; }
}

// Joining a room that may not exist: the handler's result is the ack. And rooms that the server chooses.
//
//   dotnet run samples/join-room.cs
//   wscat -c ws://localhost:3000/chat
//   > {"event":"join-room","data":{"type":"dev","user":"Ada"},"id":1}
//   < {"event":"hello","data":{"room":"room:dev","user":"Ada"}}      (everyone in the room)
//   < {"ack":1,"data":"success"}
//   > {"event":"join-room","data":{"type":"cooking","user":"Ada"},"id":2}
//   < {"ack":2,"data":"The room doesn't exist"}
//
//   wscat -c ws://localhost:3000/notification
//   < {"event":"hello","data":"Welcome to room1 and room2!"}        (everyone, once, for each newcomer)
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/WsServer.Core
#:property PublishAot=false

using WsServer;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://localhost:3000";
builder.Services.AddEvents();
WebApplication app = builder.Build();
EventServer io = app.MapEvents("/");

EventNamespace chat = io.Of("/chat");
chat.On<JoinRoom, string>("join-room", async (socket, request) =>
{
    if (request.Type is not ("dev" or "music"))
    {
        return "The room doesn't exist";
    }

    string room = $"room:{request.Type}";
    await socket.JoinAsync(room);
    await chat.To(room).EmitAsync("hello", new Hello(room, request.User));
    return "success";
});

EventNamespace notification = io.Of("/notification");
notification.OnConnection(async socket =>
{
    await socket.JoinAsync("room1", "room2");
    await notification.To("room1", "room2").EmitAsync("hello", "Welcome to room1 and room2!");
});

await app.RunAsync();

internal sealed record JoinRoom(string Type, string User);

internal sealed record Hello(string Room, string User);

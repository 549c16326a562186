// A chat: log in, talk to everybody else, and be put out by the server.
//
//   dotnet run samples/chat.cs
//   wscat -c ws://localhost:3000                  (twice; Bob logs in the same way)
//   > {"event":"login","data":{"name":"Ada","userid":"ada"}}
//   < {"event":"login","data":"Ada"}              (everybody)
//   > {"event":"chat","data":{"msg":"hi"}}
//   < {"event":"chat","data":{"from":{"name":"Ada","userid":"ada"},"msg":"hi"}}     (the others)
//   > {"event":"forceDisconnect"}
//   < {"disconnect":"/","reason":"server namespace disconnect"}
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/WsServer.Core
#:property PublishAot=false

using WsServer;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://localhost:3000";
builder.Services.AddEvents();
WebApplication app = builder.Build();
EventServer io = app.MapEvents("/");

io.On<User>("login", async (socket, user) =>
{
    socket.Items["user"] = user;
    await io.EmitAsync("login", user.Name);
});

io.On<Message>("chat", async (socket, message) =>
{
    if (!socket.Items.TryGetValue("user", out object? user))
    {
        throw new EventException("unauthorized", "Log in before you chat.");
    }

    await socket.Broadcast.EmitAsync("chat", new Chat((User)user!, message.Msg));
});

io.On("forceDisconnect", socket => socket.DisconnectAsync());

io.OnDisconnect((socket, reason) => Console.WriteLine($"{socket.Id} left: {reason}"));

await app.RunAsync();

internal sealed record User(string Name, string Userid);

internal sealed record Message(string Msg);

internal sealed record Chat(User From, string Msg);

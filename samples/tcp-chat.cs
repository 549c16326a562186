// A chat over plain TCP beside WebSocket: each line is one envelope. Any ITransport runs this way.
//   dotnet run samples/tcp-chat.cs       open http://localhost:3000 and log in; then: nc localhost 3001   (or: -- --tcp 5000)
//   > {"event":"login","data":{"name":"Bob","userid":"bob"}}   < {"event":"login","data":"Bob"}   (everyone in the chat)
//   > {"event":"chat","data":{"msg":"hi"}}                     (everyone else in the chat, the browser too)
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/WsServer.Core
#:property PublishAot=false
using System.Net;
using System.Net.Sockets;
using WsServer;
using WsServer.Connections;

string page = Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, "../public");
WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, WebRootPath = page });
builder.Configuration["urls"] ??= "http://localhost:3000";
builder.Services.AddEvents();
WebApplication app = builder.Build();
app.UseFileServer();
EventServer io = app.MapEvents("/");

io.On<User>("login", async (socket, user) =>
{
    socket.Items["user"] = user;
    await socket.JoinAsync("chat");
    await io.To("chat").EmitAsync("login", user.Name);
});
io.On<Message>("chat", (socket, message) => socket.Items.TryGetValue("user", out object? user)
    ? socket.To("chat").EmitAsync("chat", new { From = (User)user!, message.Msg })
    : throw new EventException("unauthorized", "Log in before you chat."));

using var listener = new TcpListener(IPAddress.Loopback, app.Configuration.GetValue("tcp", 3001));
listener.Start();
Console.WriteLine($"Now listening on: tcp://{listener.LocalEndpoint}");
_ = AcceptAsync();
await app.RunAsync();

async Task AcceptAsync()
{
    while (true)
    {
        _ = io.RunAsync(new LineTransport(await listener.AcceptSocketAsync()));
    }
}

internal sealed record User(string Name, string Userid);
internal sealed record Message(string Msg);

// Two namespaces on one server: the path of the URL chooses, and one connection may join both.
//
//   dotnet run samples/namespaces.cs
//   wscat -c ws://localhost:3000/my-namespace
//   < {"connected":"/my-namespace","sid":"…"}
//   < {"event":"hi","data":"everyone!"}           (again for each newcomer)
//   > {"connect":"/some-namespace"}
//   < {"connected":"/some-namespace","sid":"…"}
//   > {"event":"message","data":{"any":"thing"},"ns":"/some-namespace"}
//   < {"event":"response","data":{"any":"thing"},"ns":"/some-namespace"}
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/WsServer.Core
#:property PublishAot=false

using WsServer;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://localhost:3000";
builder.Services.AddEvents();
WebApplication app = builder.Build();
EventServer io = app.MapEvents("/");

EventNamespace mine = io.Of("/my-namespace");
mine.OnConnection(socket =>
{
    Console.WriteLine($"{socket.Id} connected to {mine.Name}");
    return mine.EmitAsync("hi", "everyone!");
});

// What is only passed on need not be read: the JSON goes out as it came in, to everyone in this namespace.
EventNamespace some = io.Of("/some-namespace");
some.On("message", (_, data) => some.EmitAsync("response", data));

await app.RunAsync();

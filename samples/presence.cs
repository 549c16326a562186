// Presence: who is in a room, on however many servers, and what they show of themselves.
//
//   dotnet run samples/presence.cs                open http://localhost:3000 in several tabs
//   wscat -c ws://localhost:3000                  (twice: Ann, then Bob)
//   > {"event":"enter","id":1,"data":{"room":"lobby","name":"Ann"}}
//   < {"ack":1,"data":["Ann"]}                    (who is there; the longest there first)
//   < {"event":"Joined","data":"Bob"}             (to the others in the room)
//   > {"event":"rename","data":"Anna"}
//   < {"event":"Updated","data":"Anna"}           (to the others; also when a server dies: Left, of all that were on it)
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/WsServer.Core
#:property PublishAot=false

using WsServer;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://localhost:3000";
builder.Services.AddEvents();
WebApplication app = builder.Build();
app.MapGet("/", () => TypedResults.Text(Page.Html, "text/html; charset=utf-8"));
EventServer io = app.MapEvents("/");

io.On<Enter, List<string>>("enter", async (socket, enter) =>
{
    await socket.SetPresenceAsync(new Person(enter.Name));
    await socket.JoinAsync(enter.Room);
    return [.. (await io.In(enter.Room).PresenceAsync()).Select(NameOf)];
});

io.On<string>("rename", (socket, name) => socket.SetPresenceAsync(new Person(name)));

// Every server is told of all, so each tells its own clients.
io.OnPresence(change => io.Local.To(change.Room).Except(change.Entry.Sid).EmitAsync(change.Kind.ToString(), NameOf(change.Entry)));

await app.RunAsync();

static string NameOf(PresenceEntry entry) => entry.Get<Person>()?.Name ?? "somebody";

internal sealed record Enter(string Room, string Name);

internal sealed record Person(string Name);

internal static class Page
{
    public const string Html = """
        <!doctype html>
        <title>Presence</title>
        <form><input name="name" placeholder="your name" autofocus> <button>Enter the lobby</button></form>
        <ul></ul>
        <script>
          const socket = new WebSocket(location.href.replace(/^http/, "ws"));
          const say = text => document.querySelector("ul").appendChild(document.createElement("li")).textContent = text;
          socket.onmessage = message => {
            const { event, ack, data } = JSON.parse(message.data);
            if (ack) say(`Here: ${data.join(", ")}`);
            if (event) say(`${event}: ${data}`);
          };
          socket.onclose = () => say("The connection is closed.");
          document.forms[0].onsubmit = submit => {
            submit.preventDefault();
            socket.send(JSON.stringify({ event: "enter", id: 1, data: { room: "lobby", name: document.forms[0].name.value } }));
          };
        </script>
        """;
}

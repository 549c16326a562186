// A WebSocket without events: no envelope, no library, only what ASP.NET Core brings along.
//
//   dotnet run samples/native-websocket.cs
//   wscat -c ws://localhost:3000
//   < Hello! I am a server.
//   > anything                  (the server prints: received: anything)
#:sdk Microsoft.NET.Sdk.Web
#:property PublishAot=false

using System.Net.WebSockets;
using System.Text;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://localhost:3000";
WebApplication app = builder.Build();
app.UseWebSockets();

app.MapGet("/", async (HttpContext context, IHostApplicationLifetime lifetime) =>
{
    if (!context.WebSockets.IsWebSocketRequest)
    {
        return Results.Text("Come back with a WebSocket: wscat -c ws://localhost:3000");
    }

    using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
    await socket.SendAsync("Hello! I am a server."u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, context.RequestAborted);

    // When the server stops it says goodbye; the client's own goodbye then ends the loop.
    using CancellationTokenRegistration stopping = lifetime.ApplicationStopping.Register(() =>
        _ = socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, "the server stops", CancellationToken.None));

    byte[] buffer = new byte[16 * 1024];
    ValueWebSocketReceiveResult received;
    while ((received = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted)).MessageType != WebSocketMessageType.Close)
    {
        // A message longer than the buffer comes in several parts, each with a line of its own here.
        Console.WriteLine($"received: {Encoding.UTF8.GetString(buffer, 0, received.Count)}");
    }

    if (socket.State == WebSocketState.CloseReceived)
    {
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
    }

    return Results.Empty;
});

await app.RunAsync();

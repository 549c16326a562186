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
app.MapGet("/", async context =>
{
    if (!context.WebSockets.IsWebSocketRequest)
    {
        await context.Response.WriteAsync("Come back with a WebSocket: wscat -c ws://localhost:3000");
        return;
    }

    using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
    // When the server stops it says goodbye; the client's own goodbye then ends the loop.
    using CancellationTokenRegistration stopping = app.Lifetime.ApplicationStopping.Register(() =>
        _ = socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, "the server stops", CancellationToken.None));
    try
    {
        await socket.SendAsync("Hello! I am a server."u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        byte[] buffer = new byte[16 * 1024];
        while (await socket.ReceiveAsync(buffer, CancellationToken.None) is { MessageType: not WebSocketMessageType.Close } received)
        {
            // A message longer than the buffer comes in several parts, each with a line of its own here.
            Console.WriteLine($"received: {Encoding.UTF8.GetString(buffer, 0, received.Count)}");
        }

        if (socket.State == WebSocketState.CloseReceived)
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        }
    }
    catch (WebSocketException exception)
    {
        Console.WriteLine($"gone without a goodbye: {exception.Message}");
    }
});

await app.RunAsync();

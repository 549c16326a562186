// A chat over plain TCP beside WebSocket: each line is one envelope, and a transport is four short methods.
//   dotnet run samples/tcp-chat.cs       open http://localhost:3000 and log in; then: nc localhost 3001   (or: -- --tcp 5000)
//   > {"event":"login","data":{"name":"Bob","userid":"bob"}}   < {"event":"login","data":"Bob"}   (everyone in the chat)
//   > {"event":"chat","data":{"msg":"hi"}}                     (everyone else in the chat, the browser too)
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/WsServer.Core
#:property PublishAot=false
using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using WsServer;
using WsServer.Connections;
using WsServer.Wire;

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

/// <summary>Messages as lines of UTF-8. They end with LF or CRLF: to JSON, the CR is white space.</summary>
internal sealed class LineTransport(Socket socket) : ITransport
{
    private const int MaxLineBytes = 64 * 1024;
    private readonly PipeReader _reader = PipeReader.Create(new NetworkStream(socket));

    public async ValueTask<TransportMessage> ReceiveAsync(CancellationToken cancellationToken)
    {
        ReadResult read = await _reader.ReadAsync(cancellationToken);
        SequencePosition? end;
        while ((end = read.Buffer.PositionOf((byte)'\n')) is null && read.Buffer.Length <= MaxLineBytes && !read.IsCompleted)
        {
            _reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            read = await _reader.ReadAsync(cancellationToken);
        }

        byte[] line = read.Buffer.Slice(0, end ?? read.Buffer.End).ToArray();
        _reader.AdvanceTo(end is null ? read.Buffer.End : read.Buffer.GetPosition(1, end.Value));
        return line.Length > MaxLineBytes ? new(TransportMessageKind.TooLarge) : end is null ? new(TransportMessageKind.Closed) : new(TransportMessageKind.Text, line);
    }

    public async ValueTask SendAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
    {
        foreach (EncodedPacket packet in packets.ToArray())
        {
            // JSON has line breaks only as white space. What is relayed as it came may have some; here they would end the line.
            byte[] line = [.. packet.Payload.Span, (byte)'\n'];
            line.AsSpan(0, packet.Payload.Length).Replace((byte)'\n', (byte)' ');
            await socket.SendAsync(line, cancellationToken);
        }
    }

    public ValueTask CloseAsync(TransportClose close, CancellationToken cancellationToken)
    {
        socket.Shutdown(SocketShutdown.Send);
        return default;
    }

    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        return default;
    }
}

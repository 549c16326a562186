// Datagrams in, events out: the JSON of each UDP datagram goes to all WebSocket clients.
//
//   dotnet run samples/udp.cs                     (another UDP port: -- --udp 5000)
//   wscat -c ws://localhost:3000
//   echo '{"temperature":21.5}' | nc -u -w1 127.0.0.1 3002
//   < {"event":"datagram","data":{"temperature":21.5}}
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/WsServer.Core
#:property PublishAot=false

using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using WsServer;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://localhost:3000";
builder.Services.AddEvents();
builder.Services.AddHostedService<Datagrams>();
WebApplication app = builder.Build();
app.MapEvents("/");
await app.RunAsync();

/// <summary>Runs as long as the server. Only this machine reaches the port: what comes over UDP has no proven sender.</summary>
internal sealed class Datagrams(EventServer io, IConfiguration configuration) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var udp = new UdpClient(new IPEndPoint(IPAddress.Loopback, configuration.GetValue("udp", 3002)));
        Console.WriteLine($"Now listening on: udp://{udp.Client.LocalEndPoint}");
        while (!stoppingToken.IsCancellationRequested)
        {
            UdpReceiveResult datagram = await udp.ReceiveAsync(stoppingToken);
            try
            {
                await io.EmitAsync("datagram", JsonElement.Parse(datagram.Buffer));
            }
            catch (JsonException exception)
            {
                Console.WriteLine($"A datagram from {datagram.RemoteEndPoint} is not JSON: {exception.Message}");
            }
        }
    }
}

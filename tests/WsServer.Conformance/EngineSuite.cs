using WsServer.Connections;
using WsServer.SocketIO.Engine;
using WsServer.SocketIO.Hosting;
using WsServer.Wire;

namespace WsServer.Conformance;

/// <summary>What the test suite of the Engine.IO protocol expects: each message comes back.</summary>
internal static class EngineSuite
{
    public static void MapEngineSuite(this WebApplication app)
    {
        var settings = new EngineSettings(
            PingInterval: TimeSpan.FromMilliseconds(300),
            PingTimeout: TimeSpan.FromMilliseconds(200),
            UpgradeTimeout: TimeSpan.FromSeconds(10),
            MaxPayload: 1_000_000,
            MaxSessions: 1_000,
            TimeProvider.System,
            app.Logger);
        var endpoint = new EngineEndpoint(settings, (session, _) => EchoAsync(session, app.Lifetime.ApplicationStopping));
        app.MapEngine("/engine.io/", endpoint, settings, checksOrigin: false);
    }

    private static async Task EchoAsync(EngineSession session, CancellationToken stopping)
    {
        var close = new TransportClose(1000, "");
        try
        {
            TransportMessage message;
            while ((message = await session.ReceiveAsync(stopping)).Kind is TransportMessageKind.Text or TransportMessageKind.Binary)
            {
                EncodedPacket echo = EncodedPacket.Create(message.Payload.Span, message.Kind == TransportMessageKind.Binary);
                await session.SendAsync(new[] { echo }, stopping);
            }
        }
        catch (Exception exception) when (exception is TimeoutException or InvalidDataException)
        {
            close = new TransportClose(1002, "");
        }
        catch (OperationCanceledException)
        {
            close = new TransportClose(1001, "");
        }
        catch (IOException)
        {
            return;
        }

        await session.CloseAsync(close, CancellationToken.None);
    }
}

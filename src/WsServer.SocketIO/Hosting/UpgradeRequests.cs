using Microsoft.AspNetCore.Http;
using WsServer.Connections;
using WsServer.Hosting;
using WsServer.SocketIO.Diagnostics;
using WsServer.SocketIO.Engine;
using WsServer.Wire;

namespace WsServer.SocketIO.Hosting;

/// <summary>Lets a WebSocket become the transport of a session that is polling.</summary>
internal static class UpgradeRequests
{
    private static readonly TransportClose Unwanted = new(1000, "");

    /// <summary>Accepts the WebSocket of a request.</summary>
    public static async ValueTask<EngineSocket> AcceptAsync(HttpContext context, EngineSettings settings) =>
        new(await context.AcceptEventTransportAsync(settings.MaxPayload).ConfigureAwait(false));

    /// <summary>Answers the request, which stays open for as long as the session uses its WebSocket.</summary>
    public static async Task HandleAsync(HttpContext context, EngineSession session, EngineSettings settings)
    {
        EngineSocket socket = await AcceptAsync(context, settings).ConfigureAwait(false);
        bool isTransport = false;
        try
        {
            isTransport = session.TryBeginProbe(socket) && await ProbeAsync(session, socket, settings).ConfigureAwait(false);
            if (!isTransport)
            {
                // Whatever this one did, the session is not harmed by it.
                await RejectAsync(context, socket, settings).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or OperationCanceledException)
        {
            settings.Logger.UpgradeFailed(exception, session.Sid);
            socket.Abort();
        }
        finally
        {
            if (!isTransport)
            {
                session.EndProbe(socket);
                await socket.DisposeAsync().ConfigureAwait(false);
            }
        }

        if (isTransport)
        {
            await session.Disposed.ConfigureAwait(false);
        }
    }

    // A client that does not read its goodbye waits for it no longer than it may take to upgrade.
    private static async Task RejectAsync(HttpContext context, EngineSocket socket, EngineSettings settings)
    {
        using var timeout = new CancellationTokenSource(settings.UpgradeTimeout, settings.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, context.RequestAborted);
        await socket.CloseAsync(Unwanted, either.Token).ConfigureAwait(false);
    }

    private static async Task<bool> ProbeAsync(EngineSession session, EngineSocket socket, EngineSettings settings)
    {
        using (var timeout = new CancellationTokenSource(settings.UpgradeTimeout, settings.Time))
        {
            using CancellationTokenRegistration registration = timeout.Token.UnsafeRegister(static socket => ((EngineSocket)socket!).Abort(), socket);
            if (!await socket.ReceivesAsync(EnginePackets.Probe).ConfigureAwait(false))
            {
                return false;
            }

            object? poll = session.WaitingPoll;
            await socket.SendAsync(new EncodedPacket[] { EnginePackets.ProbePong }).ConfigureAwait(false);
            session.TakeProbe(poll);
            if (!await socket.ReceivesAsync(EnginePackets.Upgrade).ConfigureAwait(false))
            {
                return false;
            }
        }

        return await session.TrySwitchAsync(socket).ConfigureAwait(false);
    }
}

using WsServer.Access;
using WsServer.Connections;
using WsServer.Diagnostics;
using WsServer.Recovery;
using WsServer.Wire;

namespace WsServer.Dispatch;

/// <summary>The way into a namespace: back to what the client had, or by admission.</summary>
internal static class Entrance
{
    /// <summary>Lets a socket in, or turns it away; false when it is not in.</summary>
    public static async Task<bool> PassAsync(EventSocket socket, EventRuntime runtime)
    {
        if (await runtime.Tokens.IdentifyAsync(socket).ConfigureAwait(false) is { } refusal)
        {
            socket.Life.Refuse(refusal);
            return false;
        }

        if (IsOver(socket, runtime))
        {
            socket.Life.Refuse(Closing.Expired.Error!);
            return false;
        }

        Credential? admittedWith = socket.Credential;
        ComebackOutcome comeback = ComebackOutcome.New;
        if (socket.Recovery is { IsAsked: true } asked)
        {
            comeback = await new Comeback(socket, asked, runtime).RunAsync().ConfigureAwait(false);
        }

        if (comeback == ComebackOutcome.Ended || (comeback == ComebackOutcome.New && !await PassAsNewAsync(socket, runtime).ConfigureAwait(false)))
        {
            return false;
        }

        if (!ReferenceEquals(admittedWith, socket.Credential))
        {
            // Refreshed meanwhile, by a client that was not in yet and so was not looked at.
            await socket.Life.ReviewAsync().ConfigureAwait(false);
        }

        if (socket.Recovery?.Told is { } isRecovered)
        {
            runtime.Metrics.Recovery(isRecovered);
        }

        return true;
    }

    /// <summary>Asks the namespace's policies; why the socket is not let in, or null when it is. Never throws.</summary>
    public static async ValueTask<EventError?> AuthorizeAsync(EventSocket socket, EventRuntime runtime)
    {
        if (socket.Namespace.Access is not { } access)
        {
            return null;
        }

        try
        {
            return await access.CheckAsync(socket).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            runtime.Logger.LifecycleFailed(exception, "authorization", socket.Id, socket.Namespace.Name);
            return runtime.Describe(exception);
        }
    }

    // The heartbeat ends what is over, but not before its next tick.
    private static bool IsOver(EventSocket socket, EventRuntime runtime) =>
        runtime.Options.CloseOnAuthenticationExpiration
        && (socket.Credential is { } credential ? credential.Expires : socket.Handshake.Expires) <= runtime.Time.GetUtcNow();

    private static async Task<bool> PassAsNewAsync(EventSocket socket, EventRuntime runtime)
    {
        EventNamespace ns = socket.Namespace;
        if ((await AuthorizeAsync(socket, runtime).ConfigureAwait(false)
            ?? await ns.Lifecycle.AdmitAsync(socket, runtime).ConfigureAwait(false)) is { } refusal)
        {
            socket.Life.Refuse(refusal);
            return false;
        }

        if (runtime.Node is { } node)
        {
            // What other nodes emit from then on arrives here.
            await node.Interest.WhenReady(node.Channels.OfNamespace(ns.Name)).ConfigureAwait(false);
        }

        // Among the members first: a client that has read "connected" misses nothing that is emitted from then on.
        socket.Enter();
        var connected = new Packet(PacketKind.Connected) { Namespace = ns.Name, Sid = socket.Id };
        if (socket.Recovery is { } recovery ? TryConnect(socket, recovery, connected) : socket.Life.TryConnect(connected))
        {
            return true;
        }

        // It has ended meanwhile, and may have left before it came.
        socket.LeaveAll();
        return false;
    }

    private static bool TryConnect(EventSocket socket, SocketRecovery recovery, in Packet connected)
    {
        NamespaceRecovery shared = socket.Namespace.Recovery;
        Gathering gathering = Gathering.Open();
        try
        {
            lock (shared.Gate)
            {
                shared.Begin(socket, recovery);
                if (socket.Life.TryConnect(connected with { Session = recovery.Session, Seq = shared.Position, IsRecovered = recovery.Told }))
                {
                    return true;
                }

                shared.Abandon(recovery);
                return false;
            }
        }
        finally
        {
            gathering.Close();
        }
    }
}

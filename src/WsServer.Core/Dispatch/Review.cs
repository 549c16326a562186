using System.Text.Json.Nodes;
using WsServer.Access;
using WsServer.Connections;
using WsServer.Diagnostics;
using WsServer.Wire;

namespace WsServer.Dispatch;

/// <summary>Whether a socket may still be where it is, after its credentials have changed.</summary>
internal readonly struct Review(EventSocket socket, EventRuntime runtime, Outbox outbox)
{
    /// <summary>Puts the socket out of its namespace, or of rooms, where the policies no longer let it be. Never throws.</summary>
    public async Task RunAsync()
    {
        // One that is joining is looked at again when it has.
        if (socket.Namespace.Access is not { } access || !socket.Connected)
        {
            return;
        }

        try
        {
            if (await access.CheckAsync(socket).ConfigureAwait(false) is { } error)
            {
                PutOut(error);
                return;
            }

            await LookAtRoomsAsync(access).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Nobody has said that it may stay.
            runtime.Logger.LifecycleFailed(exception, "authorization", socket.Id, socket.Namespace.Name);
            PutOut(runtime.Describe(exception));
        }
    }

    /// <summary>Puts the socket out, and tells it why.</summary>
    public void PutOut(EventError error)
    {
        runtime.Logger.PutOut(socket.Id, socket.Namespace.Name, error.Code);
        Tell(error);
        socket.Life.PutOut(close: false);
    }

    private async Task LookAtRoomsAsync(NamespaceAccess access)
    {
        if (!access.GuardsRooms)
        {
            return;
        }

        foreach (string room in socket.Rooms)
        {
            if (await access.CheckRoomAsync(socket, room).ConfigureAwait(false) is { } error)
            {
                socket.Leave([room]);
                Tell(error);
            }
        }
    }

    // It is no fault of the client's, and costs nothing of its error budget.
    private void Tell(EventError error)
    {
        if (socket.Namespace.Name != outbox.Home)
        {
            var details = (JsonObject?)error.Details?.DeepClone() ?? [];
            details["ns"] = socket.Namespace.Name;
            error = error with { Details = details };
        }

        outbox.Post(new Packet(PacketKind.Error) { Error = error });
    }
}

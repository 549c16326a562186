using WsServer.Access;
using WsServer.Diagnostics;
using WsServer.Dispatch;
using WsServer.Wire;

namespace WsServer;

/// <summary>What can be done with the sockets of this node that an audience means, whichever node asks.</summary>
internal readonly struct LocalSockets(EventNamespace ns, Audience audience)
{
    public int Count()
    {
        if (audience is { Sid: null, Rooms.Length: 1, Except.Length: 0 })
        {
            return ns.Index.CountIn(audience.Rooms[0]);
        }

        var count = new System.Runtime.CompilerServices.StrongBox<int>();
        Visit(count, static (_, c) => c.Value++);
        return count.Value;
    }

    public List<EventSocket> ToList()
    {
        var sockets = new List<EventSocket>();
        Visit(sockets, static (socket, all) => all.Add(socket));
        return sockets;
    }

    /// <summary>Emits an event that wants an ack.</summary>
    public void Ask(IAckCollector collector, in Packet packet)
    {
        using OutgoingPacket outgoing = OutgoingPacket.Rent(packet);
        Visit((collector, packet.Id, outgoing), static (socket, state) => state.collector.Ask(socket, state.Id, state.outgoing));
    }

    /// <summary>Puts them into rooms, but those that may not be in one of them.</summary>
    public async Task JoinAsync(string[] rooms)
    {
        List<EventSocket> sockets = ToList();
        if (ns.Access is { } access && access.GuardsAny(rooms))
        {
            await JoinGuardedAsync(sockets, access, rooms).ConfigureAwait(false);
            return;
        }

        foreach (EventSocket socket in sockets)
        {
            if (!socket.TryJoin(rooms))
            {
                NoteTooManyRooms(socket);
            }
        }

        if (sockets.Count > 0)
        {
            await sockets[0].WhenHeard(rooms).ConfigureAwait(false);
        }
    }

    public void Leave(string[] rooms) => Visit(rooms, static (socket, all) => socket.Leave(all));

    public void Disconnect(bool close) => Visit(close, static (socket, isClose) => socket.Disconnect(isClose));

    private static async Task JoinGuardedAsync(List<EventSocket> sockets, NamespaceAccess access, string[] rooms)
    {
        foreach (EventSocket socket in sockets)
        {
            try
            {
                if (await access.TryJoinAsync(socket, rooms).ConfigureAwait(false) is { Code: ErrorCodes.TooManyRooms })
                {
                    NoteTooManyRooms(socket);
                }
            }
            catch (Exception exception)
            {
                // It stays out, and the others are not to.
                socket.Namespace.Runtime.Logger.LifecycleFailed(exception, "authorization", socket.Id, socket.Namespace.Name);
            }
        }
    }

    private static void NoteTooManyRooms(EventSocket socket)
    {
        EventRuntime runtime = socket.Namespace.Runtime;
        runtime.Refusals.TooManyRooms(socket.Id, runtime.Options.MaxRoomsPerSocket);
    }

    private void Visit<TState>(TState state, Action<EventSocket, TState> action)
    {
        if (audience.Sid is { } sid)
        {
            if (ns.FindSocket(sid) is { } only)
            {
                action(only, state);
            }

            return;
        }

        ns.Index.Visit(audience.Rooms, audience.Except, state, action);
    }
}

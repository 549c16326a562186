using WsServer.Connections;
using WsServer.Diagnostics;
using WsServer.Wire;

namespace WsServer.Dispatch;

/// <summary>Runs the handlers of one socket's events and sends what they answer.</summary>
internal sealed class EventRunner(EventSocket socket, EventRuntime runtime, Outbox outbox)
{
    // Made once: a method group would be a new delegate for each event.
    private static readonly Func<EventContext, Task> Handle = HandleAsync;

    private readonly Lock _gate = new();
    private HashSet<PacketId>? _pending;

    private EventNamespace Namespace => socket.Namespace;

    /// <summary>Notes the id of an event; false, and an error to the client, when one with this id is not answered yet.</summary>
    public bool TryBegin(PacketId id)
    {
        if (id.IsNone)
        {
            return true;
        }

        lock (_gate)
        {
            if ((_pending ??= []).Add(id))
            {
                return true;
            }
        }

        // Not as an ack, which would be taken for the answer to the first.
        var error = new EventError(ErrorCodes.InvalidEnvelope, $"The id {id} is still pending.", new() { ["path"] = "id" });
        outbox.PostError(new Packet(PacketKind.Error) { Error = error });
        return false;
    }

    public async ValueTask RunAsync(Packet packet, bool hasJoined)
    {
        try
        {
            if (!hasJoined)
            {
                Refuse(packet, NotConnected(Namespace.Name));
                return;
            }

            var context = new EventContext(socket, packet);
            await Namespace.Lifecycle.AroundAsync(context, Handle).ConfigureAwait(false);
            if (!context.IsHandled && context.Reply is null)
            {
                runtime.Metrics.UnknownEvent();
                if (context.WantsAck)
                {
                    Refuse(packet, new EventError(ErrorCodes.UnknownEvent, $"No handler takes the event '{packet.Event}'."));
                }
            }
            else if (context.WantsAck)
            {
                Answer(packet.Id, new Packet(PacketKind.Ack) { Namespace = Namespace.Name, Id = packet.Id, Arguments = context.Reply ?? default });
            }
        }
        catch (EventException exception)
        {
            Refuse(packet, exception.Error);
        }
        catch (Exception exception) when (Lifecycle.IsItsEnd(exception, socket))
        {
            Refuse(packet, NotConnected(Namespace.Name));
        }
        catch (Exception exception)
        {
            runtime.Logger.HandlerFailed(exception, packet.Event, socket.Id, Namespace.Name);
            Refuse(packet, runtime.Describe(exception));
        }
    }

    public static EventError NotConnected(string ns) => new(ErrorCodes.NotConnected, $"The connection is not in '{ns}'.", new() { ["ns"] = ns });

    private static async Task HandleAsync(EventContext context)
    {
        Packet packet = context.Packet;
        EventSocket socket = context.Socket;
        EventNamespace ns = socket.Namespace;
        HandlerTable? own = socket.OwnHandlers;
        foreach (Func<EventSocket, Packet, Task> any in ns.HandlerTable.Any)
        {
            await any(socket, packet).ConfigureAwait(false);
        }

        foreach (Func<EventSocket, Packet, Task> any in own?.Any ?? [])
        {
            await any(socket, packet).ConfigureAwait(false);
        }

        await CallAsync(ns.HandlerTable, context).ConfigureAwait(false);
        if (own is not null)
        {
            await CallAsync(own, context).ConfigureAwait(false);
        }
    }

    private static async ValueTask CallAsync(HandlerTable table, EventContext context)
    {
        foreach (Handler handler in table.Find(context.Event))
        {
            if (!handler.TryUse())
            {
                continue;
            }

            if (handler.IsOnce)
            {
                table.Remove(context.Event, handler);
            }

            context.IsHandled = true;
            context.Reply = await handler.Invoke(context.Socket, context.Arguments).ConfigureAwait(false) ?? context.Reply;
        }
    }

    private void Refuse(Packet packet, EventError error)
    {
        if (packet.Id.IsNone)
        {
            // Nothing else would tell the client which of its events went wrong.
            var details = (System.Text.Json.Nodes.JsonObject?)error.Details?.DeepClone() ?? [];
            details["event"] = packet.Event;
            if (Namespace.Name != outbox.Home)
            {
                details["ns"] = Namespace.Name;
            }

            error = error with { Details = details };
        }

        Answer(packet.Id, packet.Refuse(error, Namespace.Name));
    }

    private void Answer(PacketId id, Packet answer)
    {
        if (!id.IsNone)
        {
            lock (_gate)
            {
                _pending?.Remove(id);
            }
        }

        if (answer.Error is not null)
        {
            outbox.PostError(answer);
        }
        else if (socket.Connected)
        {
            outbox.Post(answer);
        }
    }
}

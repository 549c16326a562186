using WsServer.Connections;
using WsServer.Diagnostics;
using WsServer.Wire;

namespace WsServer.Dispatch;

/// <summary>Runs the handlers of one socket's events and sends what they answer.</summary>
internal sealed class EventRunner(EventSocket socket, EventRuntime runtime, Outbox outbox)
{
    // Made once: a method group would be a new delegate for each event.
    private static readonly Func<EventContext, Task> Handle = HandleAsync;

    private PendingIds _pending;
    private int _runs;
    private string _running = "connection";

    private EventNamespace Namespace => socket.Namespace;

    /// <summary>What it runs, or has run last; before the first event, the socket's joining.</summary>
    public HandlerRun LastRun => new(System.Threading.Volatile.Read(ref _runs), System.Threading.Volatile.Read(ref _running));

    /// <summary>Notes the id of an event; false, and an error to the client, when one with this id is not answered yet.</summary>
    public bool TryBegin(PacketId id)
    {
        if (id.IsNone)
        {
            return true;
        }

        lock (this)
        {
            if (_pending.TryAdd(id))
            {
                return true;
            }
        }

        // Not as an ack, which would be taken for the answer to the first.
        var error = new EventError(ErrorCodes.InvalidEnvelope, $"The id {id} is still pending.", new() { ["path"] = "id" });
        outbox.PostError(new Packet(PacketKind.Error) { Error = error });
        return false;
    }

    /// <summary>The one handler of an event, when nothing is around it, as nearly always; otherwise null.</summary>
    public Handler? FindOnly(string name)
    {
        HandlerTable shared = Namespace.HandlerTable;
        HandlerTable? own = socket.OwnHandlers;
        if (shared.Any.Length > 0 || own?.Any.Length > 0 || Namespace.Lifecycle.IsAroundEvents)
        {
            return null;
        }

        Handler[] handlers = shared.Find(name);
        if (own is not null && own.Find(name) is { Length: > 0 } owned)
        {
            handlers = handlers.Length == 0 ? owned : [];
        }

        return handlers is [{ IsOnce: false } only] ? only : null;
    }

    /// <summary>Which pace tells whether the event is quick to run.</summary>
    /// <param name="only">What <see cref="FindOnly"/> has found.</param>
    public Pace PaceOf(Handler? only) => only?.Pace ?? Namespace.Lifecycle.EventsPace;

    /// <summary>Runs an event. Never throws. The packet's arguments may be borrowed: they are not read once this has returned.</summary>
    /// <param name="packet">The event.</param>
    /// <param name="only">What <see cref="FindOnly"/> has found.</param>
    /// <param name="hasJoined">Whether the socket was let in.</param>
    public ValueTask RunAsync(in Packet packet, Handler? only, bool hasJoined)
    {
        _runs++;
        _running = packet.Event;
        var run = PacedRun.Begin(PaceOf(only), runtime.Time);
        ValueTask running = StartAsync(packet, only, hasJoined);
        run.End();
        return running;
    }

    public static EventError NotConnected(string ns) => new(ErrorCodes.NotConnected, $"The connection is not in '{ns}'.", new() { ["ns"] = ns });

    private ValueTask StartAsync(in Packet packet, Handler? only, bool hasJoined)
    {
        if (!hasJoined)
        {
            Refuse(packet, NotConnected(Namespace.Name));
            return ValueTask.CompletedTask;
        }

        if (only is null)
        {
            return RunAroundAsync(packet.Copy());
        }

        // No context, no copy.
        try
        {
            ValueTask<JsonArguments?> handling = only.Invoke(socket, packet.Arguments);
            if (!handling.IsCompletedSuccessfully)
            {
                return FinishAsync(handling, packet with { Arguments = default });
            }

            Answer(packet, handling.Result);
        }
        catch (Exception exception)
        {
            Refuse(packet, exception);
        }

        return ValueTask.CompletedTask;
    }

    private async ValueTask FinishAsync(ValueTask<JsonArguments?> handling, Packet packet)
    {
        try
        {
            Answer(packet, await handling.ConfigureAwait(false));
        }
        catch (Exception exception)
        {
            Refuse(packet, exception);
        }
    }

    private async ValueTask RunAroundAsync(Packet packet)
    {
        try
        {
            var context = new EventContext(socket, packet);
            await Namespace.Lifecycle.AroundAsync(context, Handle).ConfigureAwait(false);
            if (context.IsHandled || context.Reply is not null)
            {
                Answer(packet, context.Reply);
                return;
            }

            runtime.Metrics.UnknownEvent();
            if (context.WantsAck)
            {
                Refuse(packet, new EventError(ErrorCodes.UnknownEvent, $"No handler takes the event '{packet.Event}'."));
            }
        }
        catch (Exception exception)
        {
            Refuse(packet, exception);
        }
    }

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

    private void EndPending(PacketId id)
    {
        lock (this)
        {
            _pending.Remove(id);
        }
    }

    private void Refuse(in Packet packet, Exception exception)
    {
        if (exception is EventException known)
        {
            Refuse(packet, known.Error);
        }
        else if (Lifecycle.IsItsEnd(exception, socket))
        {
            Refuse(packet, NotConnected(Namespace.Name));
        }
        else
        {
            runtime.Logger.HandlerFailed(exception, packet.Event, socket.Id, Namespace.Name);
            Refuse(packet, runtime.Describe(exception));
        }
    }

    private void Refuse(in Packet packet, EventError error)
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
        else
        {
            EndPending(packet.Id);
        }

        outbox.PostError(packet.Refuse(error, Namespace.Name));
    }

    private void Answer(in Packet packet, JsonArguments? reply)
    {
        if (packet.Id.IsNone)
        {
            return;
        }

        EndPending(packet.Id);
        if (socket.Connected)
        {
            outbox.Post(new Packet(PacketKind.Ack) { Namespace = Namespace.Name, Id = packet.Id, Arguments = reply ?? default });
        }
    }
}

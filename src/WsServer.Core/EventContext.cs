using WsServer.Wire;

namespace WsServer;

/// <summary>One received event on its way to the handlers, as middleware sees it.</summary>
public sealed class EventContext
{
    internal EventContext(EventSocket socket, Packet packet)
    {
        Socket = socket;
        Packet = packet;
    }

    /// <summary>Who sent it.</summary>
    public EventSocket Socket { get; }

    /// <summary>The event's name.</summary>
    public string Event => Packet.Event;

    /// <summary>The arguments, not parsed. <see cref="Read{T}"/> gives a value.</summary>
    public JsonArguments Arguments => Packet.Arguments;

    /// <summary>Whether the client asked for an ack.</summary>
    public bool WantsAck => !Packet.Id.IsNone;

    /// <summary>The answer so far: a handler's result after <c>next</c>, or what <see cref="Respond{T}"/> has set.</summary>
    public JsonArguments? Reply { get; set; }

    /// <summary>Whether a handler took the event. Known after <c>next</c>.</summary>
    public bool IsHandled { get; internal set; }

    internal Packet Packet { get; }

    /// <summary>Reads one argument.</summary>
    /// <exception cref="EventException"><c>invalid_data</c></exception>
    public T Read<T>(int index = 0) => Socket.Serializer.Read<T>(Arguments, index);

    /// <summary>Answers the event, in the place of a handler or over its answer.</summary>
    public void Respond<T>(T value) => Reply = Socket.Serializer.Write(value);
}

using WsServer.Dispatch;
using WsServer.Wire;

namespace WsServer;

/// <summary>
/// Where handlers are registered: on a namespace, for all its sockets, or on one socket. The handlers of one event
/// run in the order registered, the namespace's first. A result is the event's ack; a handler without one acks,
/// when the client asked, with no argument. A handler throws an <see cref="EventException"/> to answer with an error;
/// any other exception is logged and answered <c>internal_error</c>. The socket's next event waits until a handler's
/// task has completed.
/// </summary>
/// <remarks>
/// Safe for concurrent use. An argument that is missing, null or of another shape is answered <c>invalid_data</c>;
/// <c>Nullable&lt;T&gt;</c>, <c>JsonElement</c> and <see cref="JsonArguments"/> take what may be left out. Arguments
/// beyond those that the handler takes are ignored.
/// </remarks>
public abstract class EventHandlers
{
    private protected EventHandlers()
    {
    }

    private protected abstract HandlerTable Handlers { get; }

    /// <summary>Handles an event with no argument.</summary>
    public EventRegistration On(string name, Action<EventSocket> handler) => Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with no argument.</summary>
    public EventRegistration On(string name, Func<EventSocket, Task> handler) => Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with no argument and answers it.</summary>
    public EventRegistration On<TReply>(string name, Func<EventSocket, TReply> handler) => Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with no argument and answers it.</summary>
    public EventRegistration On<TReply>(string name, Func<EventSocket, Task<TReply>> handler) => Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with one argument.</summary>
    public EventRegistration On<T>(string name, Action<EventSocket, T> handler) => Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with one argument.</summary>
    public EventRegistration On<T>(string name, Func<EventSocket, T, Task> handler) => Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with one argument. The token is cancelled when the socket goes.</summary>
    public EventRegistration On<T>(string name, Func<EventSocket, T, CancellationToken, Task> handler) =>
        Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with one argument and answers it.</summary>
    public EventRegistration On<T, TReply>(string name, Func<EventSocket, T, TReply> handler) => Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with one argument and answers it.</summary>
    public EventRegistration On<T, TReply>(string name, Func<EventSocket, T, Task<TReply>> handler) => Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with one argument and answers it. The token is cancelled when the socket goes.</summary>
    public EventRegistration On<T, TReply>(string name, Func<EventSocket, T, CancellationToken, Task<TReply>> handler) =>
        Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with two arguments.</summary>
    public EventRegistration On<T1, T2>(string name, Action<EventSocket, T1, T2> handler) => Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with two arguments.</summary>
    public EventRegistration On<T1, T2>(string name, Func<EventSocket, T1, T2, Task> handler) => Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with two arguments. The token is cancelled when the socket goes.</summary>
    public EventRegistration On<T1, T2>(string name, Func<EventSocket, T1, T2, CancellationToken, Task> handler) =>
        Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with two arguments and answers it.</summary>
    public EventRegistration On<T1, T2, TReply>(string name, Func<EventSocket, T1, T2, TReply> handler) =>
        Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with two arguments and answers it.</summary>
    public EventRegistration On<T1, T2, TReply>(string name, Func<EventSocket, T1, T2, Task<TReply>> handler) =>
        Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with two arguments and answers it. The token is cancelled when the socket goes.</summary>
    public EventRegistration On<T1, T2, TReply>(string name, Func<EventSocket, T1, T2, CancellationToken, Task<TReply>> handler) =>
        Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with three arguments.</summary>
    public EventRegistration On<T1, T2, T3>(string name, Action<EventSocket, T1, T2, T3> handler) => Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with three arguments.</summary>
    public EventRegistration On<T1, T2, T3>(string name, Func<EventSocket, T1, T2, T3, Task> handler) =>
        Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with three arguments. The token is cancelled when the socket goes.</summary>
    public EventRegistration On<T1, T2, T3>(string name, Func<EventSocket, T1, T2, T3, CancellationToken, Task> handler) =>
        Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with three arguments and answers it.</summary>
    public EventRegistration On<T1, T2, T3, TReply>(string name, Func<EventSocket, T1, T2, T3, TReply> handler) =>
        Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with three arguments and answers it.</summary>
    public EventRegistration On<T1, T2, T3, TReply>(string name, Func<EventSocket, T1, T2, T3, Task<TReply>> handler) =>
        Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with three arguments and answers it. The token is cancelled when the socket goes.</summary>
    public EventRegistration On<T1, T2, T3, TReply>(string name, Func<EventSocket, T1, T2, T3, CancellationToken, Task<TReply>> handler) =>
        Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with its arguments as they came, without reading them.</summary>
    public EventRegistration On(string name, Action<EventSocket, JsonArguments> handler) => Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with its arguments as they came, without reading them.</summary>
    public EventRegistration On(string name, Func<EventSocket, JsonArguments, Task> handler) => Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles an event with its arguments as they came, and answers it with arguments of its own.</summary>
    public EventRegistration On(string name, Func<EventSocket, JsonArguments, Task<JsonArguments>> handler) =>
        Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>
    /// Handles an event with its arguments where they lie, for what must cost nothing: a relay that emits them, a look
    /// at one member. With event middleware, with <see cref="OnAny(Action{EventSocket, Packet})"/> or with several
    /// handlers of the event they are copied before all the same.
    /// </summary>
    public EventRegistration OnRaw(string name, RawHandler handler) => Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>The same, with an answer.</summary>
    public EventRegistration OnRaw(string name, RawAckHandler handler) => Add(name, handler, HandlerBinding.Of(handler));

    /// <summary>Handles the next such event only with no argument.</summary>
    public EventRegistration Once(string name, Action<EventSocket> handler) => Add(name, handler, HandlerBinding.Of(handler), isOnce: true);

    /// <summary>Handles the next such event only with no argument.</summary>
    public EventRegistration Once(string name, Func<EventSocket, Task> handler) => Add(name, handler, HandlerBinding.Of(handler), isOnce: true);

    /// <summary>Handles the next such event only with one argument.</summary>
    public EventRegistration Once<T>(string name, Action<EventSocket, T> handler) => Add(name, handler, HandlerBinding.Of(handler), isOnce: true);

    /// <summary>Handles the next such event only with one argument.</summary>
    public EventRegistration Once<T>(string name, Func<EventSocket, T, Task> handler) => Add(name, handler, HandlerBinding.Of(handler), isOnce: true);

    /// <summary>Sees every event before its handlers, and also those that have none.</summary>
    public void OnAny(Action<EventSocket, Packet> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Handlers.AddAny((socket, packet) =>
        {
            handler(socket, packet);
            return Task.CompletedTask;
        });
    }

    /// <summary>Sees every event before its handlers, and also those that have none.</summary>
    public void OnAny(Func<EventSocket, Packet, Task> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Handlers.AddAny(handler);
    }

    /// <summary>Removes all handlers of an event.</summary>
    public void Off(string name) => Handlers.Remove(name);

    /// <summary>Removes one handler of an event.</summary>
    /// <param name="name">The event's name.</param>
    /// <param name="handler">The delegate that was registered.</param>
    public void Off(string name, Delegate handler) => Handlers.Remove(name, h => h.Original == handler);

    private EventRegistration Add(string name, Delegate handler, HandlerInvoker invoke, bool isOnce = false)
    {
        ArgumentNullException.ThrowIfNull(handler);
        var added = new Handler(handler, invoke, isOnce) { Pace = Handlers.IsShared ? new Pace() : null };
        Handlers.Add(name, added);
        return new EventRegistration(Handlers, name, added);
    }
}

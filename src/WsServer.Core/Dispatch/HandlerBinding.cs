namespace WsServer.Dispatch;

/// <summary>
/// Makes one of the many forms that a handler may have into the one that is run: reads the arguments that it takes, and
/// writes what it answers. Each form is called directly and not by way of another: a step between would be paid for by
/// every event.
/// </summary>
internal static class HandlerBinding
{
    public static HandlerInvoker Of(Action<EventSocket> handler) => (socket, arguments) =>
    {
        handler(socket);
        return default;
    };

    public static HandlerInvoker Of(Func<EventSocket, Task> handler) =>
        (socket, arguments) => Run(handler(socket));

    public static HandlerInvoker Of<TReply>(Func<EventSocket, TReply> handler) =>
        (socket, arguments) => new(socket.Serializer.Write(handler(socket)));

    public static HandlerInvoker Of<TReply>(Func<EventSocket, Task<TReply>> handler) =>
        (socket, arguments) => Run(handler(socket), socket.Serializer);

    public static HandlerInvoker Of<T>(Action<EventSocket, T> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        handler(socket, reader.Next<T>());
        return default;
    };

    public static HandlerInvoker Of<T>(Func<EventSocket, T, Task> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        return Run(handler(socket, reader.Next<T>()));
    };

    public static HandlerInvoker Of<T>(Func<EventSocket, T, CancellationToken, Task> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        return Run(handler(socket, reader.Next<T>(), socket.ConnectionAborted));
    };

    public static HandlerInvoker Of<T, TReply>(Func<EventSocket, T, TReply> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        return new(socket.Serializer.Write(handler(socket, reader.Next<T>())));
    };

    public static HandlerInvoker Of<T, TReply>(Func<EventSocket, T, Task<TReply>> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        return Run(handler(socket, reader.Next<T>()), socket.Serializer);
    };

    public static HandlerInvoker Of<T, TReply>(Func<EventSocket, T, CancellationToken, Task<TReply>> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        return Run(handler(socket, reader.Next<T>(), socket.ConnectionAborted), socket.Serializer);
    };

    public static HandlerInvoker Of<T1, T2>(Action<EventSocket, T1, T2> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        handler(socket, reader.Next<T1>(), reader.Next<T2>());
        return default;
    };

    public static HandlerInvoker Of<T1, T2>(Func<EventSocket, T1, T2, Task> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        return Run(handler(socket, reader.Next<T1>(), reader.Next<T2>()));
    };

    public static HandlerInvoker Of<T1, T2>(Func<EventSocket, T1, T2, CancellationToken, Task> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        return Run(handler(socket, reader.Next<T1>(), reader.Next<T2>(), socket.ConnectionAborted));
    };

    public static HandlerInvoker Of<T1, T2, TReply>(Func<EventSocket, T1, T2, TReply> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        return new(socket.Serializer.Write(handler(socket, reader.Next<T1>(), reader.Next<T2>())));
    };

    public static HandlerInvoker Of<T1, T2, TReply>(Func<EventSocket, T1, T2, Task<TReply>> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        return Run(handler(socket, reader.Next<T1>(), reader.Next<T2>()), socket.Serializer);
    };

    public static HandlerInvoker Of<T1, T2, TReply>(Func<EventSocket, T1, T2, CancellationToken, Task<TReply>> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        return Run(handler(socket, reader.Next<T1>(), reader.Next<T2>(), socket.ConnectionAborted), socket.Serializer);
    };

    public static HandlerInvoker Of<T1, T2, T3>(Action<EventSocket, T1, T2, T3> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        handler(socket, reader.Next<T1>(), reader.Next<T2>(), reader.Next<T3>());
        return default;
    };

    public static HandlerInvoker Of<T1, T2, T3>(Func<EventSocket, T1, T2, T3, Task> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        return Run(handler(socket, reader.Next<T1>(), reader.Next<T2>(), reader.Next<T3>()));
    };

    public static HandlerInvoker Of<T1, T2, T3>(Func<EventSocket, T1, T2, T3, CancellationToken, Task> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        return Run(handler(socket, reader.Next<T1>(), reader.Next<T2>(), reader.Next<T3>(), socket.ConnectionAborted));
    };

    public static HandlerInvoker Of<T1, T2, T3, TReply>(Func<EventSocket, T1, T2, T3, TReply> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        return new(socket.Serializer.Write(handler(socket, reader.Next<T1>(), reader.Next<T2>(), reader.Next<T3>())));
    };

    public static HandlerInvoker Of<T1, T2, T3, TReply>(Func<EventSocket, T1, T2, T3, Task<TReply>> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        return Run(handler(socket, reader.Next<T1>(), reader.Next<T2>(), reader.Next<T3>()), socket.Serializer);
    };

    public static HandlerInvoker Of<T1, T2, T3, TReply>(Func<EventSocket, T1, T2, T3, CancellationToken, Task<TReply>> handler) => (socket, arguments) =>
    {
        var reader = new ArgumentReader(socket.Serializer, arguments);
        return Run(handler(socket, reader.Next<T1>(), reader.Next<T2>(), reader.Next<T3>(), socket.ConnectionAborted), socket.Serializer);
    };

    public static HandlerInvoker Of(Action<EventSocket, JsonArguments> handler) => (socket, arguments) =>
    {
        handler(socket, arguments.Copy());
        return default;
    };

    public static HandlerInvoker Of(Func<EventSocket, JsonArguments, Task> handler) =>
        (socket, arguments) => Run(handler(socket, arguments.Copy()));

    public static HandlerInvoker Of(Func<EventSocket, JsonArguments, Task<JsonArguments>> handler) =>
        async (socket, arguments) => await handler(socket, arguments.Copy()).ConfigureAwait(false);

    public static HandlerInvoker Of(RawHandler handler) => (socket, arguments) =>
    {
        handler(socket, new RawArguments(arguments));
        return default;
    };

    public static HandlerInvoker Of(RawAckHandler handler) =>
        (socket, arguments) => new(handler(socket, new RawArguments(arguments)).Borrowed);

    private static ValueTask<JsonArguments?> Run(Task task)
    {
        return task.IsCompletedSuccessfully ? default : AwaitAsync(task);

        static async ValueTask<JsonArguments?> AwaitAsync(Task task)
        {
            await task.ConfigureAwait(false);
            return null;
        }
    }

    private static async ValueTask<JsonArguments?> Run<TReply>(Task<TReply> task, EventSerializer serializer) =>
        serializer.Write(await task.ConfigureAwait(false));
}

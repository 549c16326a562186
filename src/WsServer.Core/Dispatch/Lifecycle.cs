using Microsoft.Extensions.Logging;
using WsServer.Diagnostics;

namespace WsServer.Dispatch;

/// <summary>
/// What runs around the sockets of a namespace: admission and event middleware, and the handlers of arrival and
/// departure. Lists grow while the program sets itself up and are read without a lock.
/// </summary>
internal sealed class Lifecycle
{
    /// <summary>What a client is told that is turned away without a reason.</summary>
    public static readonly EventError NotLetIn = new(ErrorCodes.Forbidden, "The namespace does not let this client in.");

    private readonly Lock _gate = new();
    private Func<EventSocket, Func<Task>, Task>[] _admission = [];
    private Func<EventContext, Func<Task>, Task>[] _events = [];
    private Func<EventSocket, Task>[] _connection = [];
    private Func<EventSocket, DisconnectReason, Task>[] _disconnecting = [];
    private Func<EventSocket, DisconnectReason, Task>[] _disconnect = [];

    public void AddAdmission(Func<EventSocket, Func<Task>, Task> middleware) => Add(ref _admission, middleware);

    public void AddEvents(Func<EventContext, Func<Task>, Task> middleware) => Add(ref _events, middleware);

    public void AddConnection(Func<EventSocket, Task> handler) => Add(ref _connection, handler);

    public void AddDisconnecting(Func<EventSocket, DisconnectReason, Task> handler) => Add(ref _disconnecting, handler);

    public void AddDisconnect(Func<EventSocket, DisconnectReason, Task> handler) => Add(ref _disconnect, handler);

    /// <summary>How long admission and the handlers of arrival keep the thread that calls them.</summary>
    public Pace JoiningPace { get; } = new();

    /// <summary>How long middleware, sockets' own handlers, and several handlers of one event keep the thread that calls them.</summary>
    public Pace EventsPace { get; } = new();

    /// <summary>Runs the admission middleware; why the socket is not let in, or null when it is. Never throws.</summary>
    public async Task<EventError?> AdmitAsync(EventSocket socket, EventRuntime runtime)
    {
        Func<EventSocket, Func<Task>, Task>[] all = Volatile.Read(ref _admission);
        try
        {
            return all.Length == 0 || await PassAsync(all, socket).ConfigureAwait(false) ? null : NotLetIn;
        }
        catch (EventException exception)
        {
            return exception.Error;
        }
        catch (OperationCanceledException) when (socket.ConnectionAborted.IsCancellationRequested)
        {
            return EventRunner.NotConnected(socket.Namespace.Name);
        }
        catch (Exception exception)
        {
            runtime.Logger.LifecycleFailed(exception, "admission", socket.Id, socket.Namespace.Name);
            return runtime.Describe(exception);
        }
    }

    /// <summary>Whether there is middleware around events.</summary>
    public bool IsAroundEvents => Volatile.Read(ref _events).Length > 0;

    /// <summary>Runs the event middleware around <paramref name="handle"/>.</summary>
    public Task AroundAsync(EventContext context, Func<EventContext, Task> handle)
    {
        // Apart from the chain, whose closures every event would otherwise pay for.
        Func<EventContext, Func<Task>, Task>[] all = Volatile.Read(ref _events);
        return all.Length == 0 ? handle(context) : ChainAsync(all, 0, context, handle);
    }

    public async Task ConnectedAsync(EventSocket socket, ILogger logger)
    {
        foreach (Func<EventSocket, Task> handler in Volatile.Read(ref _connection))
        {
            try
            {
                await handler(socket).ConfigureAwait(false);
            }
            catch (Exception exception) when (!IsItsEnd(exception, socket))
            {
                logger.LifecycleFailed(exception, "connection", socket.Id, socket.Namespace.Name);
            }
            catch (OperationCanceledException exception)
            {
                logger.ReceiveFailed(exception);
            }
        }
    }

    /// <summary>Takes a socket out of its rooms and frees its services; a reason, and then handlers, only if it was let in.</summary>
    public async Task DepartAsync(EventSocket socket, DisconnectReason? reason, ILogger logger)
    {
        EventNamespace ns = socket.Namespace;
        if (reason is { } why)
        {
            await RunAsync(Volatile.Read(ref _disconnecting), "disconnecting", socket, why, logger).ConfigureAwait(false);
            ns.Index.Remove(socket.Member);
            await RunAsync(Volatile.Read(ref _disconnect), "disconnect", socket, why, logger).ConfigureAwait(false);
            logger.Left(socket.Id, ns.Name, why.ToWireString());
        }
        else
        {
            ns.Index.Remove(socket.Member);
        }

        try
        {
            await socket.DisposeServicesAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            logger.LifecycleFailed(exception, "service disposal", socket.Id, ns.Name);
        }
    }

    /// <summary>Whether a handler only did what it should when its socket went: it stopped.</summary>
    public static bool IsItsEnd(Exception exception, EventSocket socket) => exception is OperationCanceledException && !socket.Connected;

    private static async Task<bool> PassAsync(Func<EventSocket, Func<Task>, Task>[] middleware, EventSocket socket)
    {
        bool isThrough = false;
        await Next(middleware, 0).ConfigureAwait(false);
        return isThrough;

        Task Next(Func<EventSocket, Func<Task>, Task>[] all, int index)
        {
            if (index < all.Length)
            {
                return all[index](socket, () => Next(all, index + 1));
            }

            isThrough = true;
            return Task.CompletedTask;
        }
    }

    private static async Task RunAsync(Func<EventSocket, DisconnectReason, Task>[] handlers, string name, EventSocket socket, DisconnectReason reason, ILogger logger)
    {
        foreach (Func<EventSocket, DisconnectReason, Task> handler in handlers)
        {
            try
            {
                await handler(socket, reason).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                // One handler's fault must not keep the others from learning that the socket is gone.
                logger.LifecycleFailed(exception, name, socket.Id, socket.Namespace.Name);
            }
        }
    }

    private static Task ChainAsync(Func<EventContext, Func<Task>, Task>[] all, int index, EventContext context, Func<EventContext, Task> handle) =>
        index == all.Length ? handle(context) : all[index](context, () => ChainAsync(all, index + 1, context, handle));

    private void Add<T>(ref T[] all, T one)
    {
        ArgumentNullException.ThrowIfNull(one);
        lock (_gate)
        {
            Volatile.Write(ref all, [.. all, one]);
        }
    }
}

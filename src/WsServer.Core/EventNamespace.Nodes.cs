using WsServer.Cluster;
using WsServer.Wire;

namespace WsServer;

// What the program of one node says to that of the others.
public sealed partial class EventNamespace
{
    private ServerSideHandlers? _serverSide;

    /// <summary>
    /// Handles an event that the program of another node has emitted with <see cref="ServerSideEmitAsync(string, object?[])"/>
    /// or <see cref="ServerSideEmitWithAcksAsync{T}(string, object?[])"/>. Each event has one handler; said again, it replaces
    /// the one before. Handlers of all namespaces run one after the other, in the order in which a node has emitted.
    /// </summary>
    /// <param name="name">The event's name.</param>
    /// <param name="handler">Is given the arguments; what it returns is the answer, of use only where one is asked for.</param>
    public EventNamespace OnServerSide(string name, Func<JsonArguments, Task<object?>> handler)
    {
        ReservedNames.ThrowIfUnusable(name);
        ArgumentNullException.ThrowIfNull(handler);
        ServerSide.Set(name, handler);
        return this;
    }

    /// <summary>The same for an event with one argument and without an answer.</summary>
    public EventNamespace OnServerSide<T>(string name, Action<T> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return OnServerSide(name, arguments =>
        {
            handler(Serializer.Read<T>(arguments));
            return Task.FromResult<object?>(null);
        });
    }

    /// <summary>The same for an event with one argument and an answer.</summary>
    public EventNamespace OnServerSide<T, TAnswer>(string name, Func<T, Task<TAnswer>> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return OnServerSide(name, async arguments => await handler(Serializer.Read<T>(arguments)).ConfigureAwait(false));
    }

    /// <summary>
    /// Emits an event to the program of the other nodes; this one's handlers do not run. While there is no connection to the
    /// others it is dropped. On a server that is alone nothing happens.
    /// </summary>
    /// <param name="name">The event's name.</param>
    /// <param name="arguments">The arguments, which are serialized before the call returns.</param>
    public Task ServerSideEmitAsync(string name, params object?[] arguments)
    {
        ReservedNames.ThrowIfUnusable(name);
        JsonArguments written = Serializer.WriteAll(arguments);
        if (_runtime.Node is { } node)
        {
            var content = new WireBuffer();
            ServerSideEvents.Write(content, Name, name, written);
            node.Send(MessageKind.ServerSide, [Channels.All], content);
        }

        return Task.CompletedTask;
    }

    /// <summary>The same, and waits for the answers of the other nodes.</summary>
    /// <typeparam name="T">What they answer with.</typeparam>
    /// <param name="name">The event's name.</param>
    /// <param name="arguments">The arguments.</param>
    /// <returns>What became of each node that was there when this was called. A missing answer is no exception.</returns>
    public Task<IReadOnlyList<NodeAck<T>>> ServerSideEmitWithAcksAsync<T>(string name, params object?[] arguments)
    {
        ReservedNames.ThrowIfUnusable(name);
        JsonArguments written = Serializer.WriteAll(arguments);
        return _runtime.Node is { } node
            ? ServerSideEvents.AskAsync<T>(node, Serializer, Name, name, written, _runtime.Options.AckTimeout)
            : Task.FromResult<IReadOnlyList<NodeAck<T>>>([]);
    }

    internal ServerSideHandlers ServerSide => LazyInitializer.EnsureInitialized(ref _serverSide, () => new ServerSideHandlers(this));
}

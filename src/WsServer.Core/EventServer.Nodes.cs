namespace WsServer;

// What concerns other nodes, for the root namespace.
public sealed partial class EventServer
{
    /// <summary>The nodes of the server that this one knows to be there, itself first; only itself for a server that is alone.</summary>
    public IReadOnlyList<ClusterMember> Nodes => _runtime.Node?.Members ?? [new ClusterMember("", Environment.MachineName, _startedAt, IsSelf: true)];

    /// <inheritdoc cref="EventNamespace.Local" />
    public Broadcast Local => Root.Local;

    /// <inheritdoc cref="EventNamespace.OnServerSide(string, Func{JsonArguments, Task{object?}})" />
    public EventNamespace OnServerSide(string name, Func<JsonArguments, Task<object?>> handler) => Root.OnServerSide(name, handler);

    /// <inheritdoc cref="EventNamespace.OnServerSide{T}(string, Action{T})" />
    public EventNamespace OnServerSide<T>(string name, Action<T> handler) => Root.OnServerSide(name, handler);

    /// <inheritdoc cref="EventNamespace.OnServerSide{T, TAnswer}(string, Func{T, Task{TAnswer}})" />
    public EventNamespace OnServerSide<T, TAnswer>(string name, Func<T, Task<TAnswer>> handler) => Root.OnServerSide(name, handler);

    /// <inheritdoc cref="EventNamespace.ServerSideEmitAsync(string, object?[])" />
    public Task ServerSideEmitAsync(string name, params object?[] arguments) => Root.ServerSideEmitAsync(name, arguments);

    /// <inheritdoc cref="EventNamespace.ServerSideEmitWithAcksAsync{T}(string, object?[])" />
    public Task<IReadOnlyList<NodeAck<T>>> ServerSideEmitWithAcksAsync<T>(string name, params object?[] arguments) =>
        Root.ServerSideEmitWithAcksAsync<T>(name, arguments);
}

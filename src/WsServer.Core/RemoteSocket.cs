namespace WsServer;

/// <summary>A socket as <see cref="Broadcast.FetchSocketsAsync"/> found it, wherever it is, with the calls that reach it.</summary>
public sealed class RemoteSocket : IEmitter
{
    private readonly Broadcast _self;

    internal RemoteSocket(EventSocket socket)
    {
        _self = socket.Namespace.In(socket.Id);
        Id = socket.Id;
        Handshake = socket.Handshake;
        Items = socket.Items;
        Rooms = socket.Rooms;
    }

    internal RemoteSocket(EventNamespace ns, string id, Handshake handshake, IDictionary<object, object?> items, IReadOnlyCollection<string> rooms)
    {
        _self = ns.In(id);
        Id = id;
        Handshake = handshake;
        Items = items;
        Rooms = rooms;
    }

    /// <summary>The socket's id.</summary>
    public string Id { get; }

    /// <summary>How it came; for a socket of another node without its cookies and credentials.</summary>
    public Handshake Handshake { get; }

    /// <summary>
    /// What the handlers have kept with it. For a socket of another node a copy of those with a string for a key and a string,
    /// boolean, number or <see cref="System.Text.Json.JsonElement"/> for a value.
    /// </summary>
    public IDictionary<object, object?> Items { get; }

    /// <summary>The rooms it was in, its own first.</summary>
    public IReadOnlyCollection<string> Rooms { get; }

    /// <inheritdoc />
    public EventSerializer Serializer => _self.Serializer;

    /// <inheritdoc />
    public Task EmitAsync(string name, JsonArguments arguments) => _self.EmitAsync(name, arguments);

    /// <summary>Puts it into rooms.</summary>
    public Task JoinAsync(params string[] rooms) => _self.SocketsJoinAsync(rooms);

    /// <summary>Takes it out of rooms.</summary>
    public Task LeaveAsync(params string[] rooms) => _self.SocketsLeaveAsync(rooms);

    /// <summary>Puts it out of the namespace.</summary>
    public Task DisconnectAsync(bool close = false) => _self.DisconnectSocketsAsync(close);
}

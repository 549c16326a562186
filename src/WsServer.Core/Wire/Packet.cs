namespace WsServer.Wire;

/// <summary>What a packet says: the verbs of the event protocol, whatever the codec.</summary>
public enum PacketKind
{
    /// <summary>An event, with name and arguments.</summary>
    Event,

    /// <summary>The answer to an event.</summary>
    Ack,

    /// <summary>The client asks to join a namespace; the one argument is its auth payload.</summary>
    Connect,

    /// <summary>The client has joined.</summary>
    Connected,

    /// <summary>The client was turned away.</summary>
    ConnectError,

    /// <summary>One side leaves the namespace.</summary>
    Disconnect,

    /// <summary>Something arrived that no ack can answer.</summary>
    Error,

    /// <summary>Is the other side's program alive? The one argument is echoed.</summary>
    Ping,

    /// <summary>The echo of a ping.</summary>
    Pong,
}

/// <summary>One message of the event protocol as a value, free of any encoding.</summary>
/// <param name="Kind">What it says.</param>
/// <remarks>
/// Immutable, but the arguments of a packet that a codec has just read lie in the buffer that it was read from.
/// </remarks>
public readonly record struct Packet(PacketKind Kind)
{
    private readonly string? _event;

    /// <summary>The namespace; null in a received packet that names none and so means the connection's own.</summary>
    public string? Namespace { get; init; }

    /// <summary>The event's name.</summary>
    public string Event
    {
        get => _event ?? "";
        init => _event = value;
    }

    /// <summary>The id of an event that wants an ack, or of the event that an ack answers.</summary>
    public PacketId Id { get; init; }

    /// <summary>The arguments of an event or ack, the auth of a connect, the value of a ping.</summary>
    public JsonArguments Arguments { get; init; }

    /// <summary>What went wrong, in an ack, a connect error or an error.</summary>
    public EventError? Error { get; init; }

    /// <summary>The socket's public id, in a connected packet.</summary>
    public string? Sid { get; init; }

    /// <summary>
    /// An event's place in what can be replayed, or, in a connect, that of the last event the client has had; 0 when
    /// there is none.
    /// </summary>
    public long Seq { get; init; }

    /// <summary>The secret by which a client that was cut off comes back: in a connected packet, and in the connect with which it does.</summary>
    public string? Session { get; init; }

    /// <summary>Whether the client has come back to what it had, in a connected packet; null when it did not ask.</summary>
    public bool? IsRecovered { get; init; }

    /// <summary>Why, in a disconnect packet of the server.</summary>
    public DisconnectReason? Reason { get; init; }

    /// <summary>The same with memory of its own, to keep while the buffer that it was read from is used again.</summary>
    internal Packet Copy() => this with { Arguments = Arguments.Copy() };

    /// <summary>The answer that an error gives to this packet: its ack, its connect error, or a bare error.</summary>
    /// <param name="error">What went wrong.</param>
    /// <param name="home">The namespace meant when this packet names none.</param>
    public Packet Refuse(EventError error, string? home = null) => Kind switch
    {
        PacketKind.Event when !Id.IsNone => new Packet(PacketKind.Ack) { Namespace = Namespace ?? home, Id = Id, Error = error },
        PacketKind.Connect when Namespace is not null => new Packet(PacketKind.ConnectError) { Namespace = Namespace, Error = error },
        _ => new Packet(PacketKind.Error) { Error = error },
    };
}

namespace WsServer;

/// <summary>Why a socket is gone. The words on the wire are in <c>docs/protocol.md</c>, section 3.</summary>
public enum DisconnectReason
{
    /// <summary>The client left the namespace: <c>client namespace disconnect</c>.</summary>
    ClientNamespaceDisconnect,

    /// <summary>The server put the socket out: <c>server namespace disconnect</c>.</summary>
    ServerNamespaceDisconnect,

    /// <summary>The client closed the connection, or it ended without an error: <c>transport close</c>.</summary>
    TransportClose,

    /// <summary>The connection broke: <c>transport error</c>.</summary>
    TransportError,

    /// <summary>No sign of life within the ping timeout, or a message that was begun and not finished in time: <c>ping timeout</c>.</summary>
    PingTimeout,

    /// <summary>The client did not read and its outbox was full: <c>slow consumer</c>.</summary>
    SlowConsumer,

    /// <summary>The client went on sending over its rate: <c>rate limited</c>.</summary>
    RateLimited,

    /// <summary>The client broke the protocol: <c>protocol error</c>.</summary>
    ProtocolError,

    /// <summary>The server stops: <c>server shutting down</c>.</summary>
    ServerShuttingDown,
}

/// <summary>The words of a <see cref="DisconnectReason"/> on the wire.</summary>
public static class DisconnectReasonExtensions
{
    /// <summary>The reason as clients read it, for example <c>transport close</c>.</summary>
    public static string ToWireString(this DisconnectReason reason) => reason switch
    {
        DisconnectReason.ClientNamespaceDisconnect => "client namespace disconnect",
        DisconnectReason.ServerNamespaceDisconnect => "server namespace disconnect",
        DisconnectReason.TransportClose => "transport close",
        DisconnectReason.TransportError => "transport error",
        DisconnectReason.PingTimeout => "ping timeout",
        DisconnectReason.SlowConsumer => "slow consumer",
        DisconnectReason.RateLimited => "rate limited",
        DisconnectReason.ProtocolError => "protocol error",
        DisconnectReason.ServerShuttingDown => "server shutting down",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, null),
    };
}

using System.Globalization;

namespace WsServer.Connections;

/// <summary>The end of a connection: why, what the client is told, and whether what waits for it is still sent.</summary>
internal sealed record Closing(DisconnectReason Reason, int Status, EventError? Error = null, bool Flush = true)
{
    public static readonly Closing ByClient = new(DisconnectReason.TransportClose, 1000, Flush: false);

    /// <summary>The client is back on another connection, so this one is dead, whether the server has noticed or not.</summary>
    public static readonly Closing Superseded = new(DisconnectReason.TransportClose, 4409, Flush: false);

    /// <summary>A later connection of the client is on another node, as far as the nodes' clocks can tell: if that is wrong, it tries again.</summary>
    public static readonly Closing Overtaken = new(DisconnectReason.TransportClose, 1013, Flush: false);

    public static readonly Closing Broken = new(DisconnectReason.TransportError, 1011, Flush: false);

    public static readonly Closing Faulted = new(
        DisconnectReason.TransportError, 1011, new(ErrorCodes.InternalError, "The server failed."));

    public static readonly Closing Malformed = new(DisconnectReason.ProtocolError, 1002, Flush: false);

    public static readonly Closing Left = new(DisconnectReason.ServerNamespaceDisconnect, 1000);

    public static readonly Closing TurnedAway = new(DisconnectReason.ServerNamespaceDisconnect, 4403);

    public static readonly Closing PingTimeout = new(
        DisconnectReason.PingTimeout, 1008, new(ErrorCodes.Timeout, "No sign of life came in time."), Flush: false);

    public static readonly Closing Unfinished = new(
        DisconnectReason.PingTimeout, 1008, new(ErrorCodes.Timeout, "A message was begun and not finished in time."), Flush: false);

    public static readonly Closing ConnectTimeout = new(
        DisconnectReason.ServerNamespaceDisconnect, 1008, new(ErrorCodes.Timeout, "No namespace was joined in time."));

    public static readonly Closing Expired = new(
        DisconnectReason.ServerNamespaceDisconnect, 1008, new(ErrorCodes.Unauthorized, "The credentials have expired."));

    public static readonly Closing SlowConsumer = new(
        DisconnectReason.SlowConsumer, 1008, new(ErrorCodes.SlowConsumer, "The client does not read fast enough."), Flush: false);

    public static readonly Closing TooManyErrors = new(
        DisconnectReason.ProtocolError, 1008, new(ErrorCodes.TooManyErrors, "The client made too many errors."));

    /// <summary>The close, with nothing said before it: the client has been told with a delay of its own.</summary>
    public static readonly Closing ShuttingDown = new(DisconnectReason.ServerShuttingDown, 1001);

    public static Closing TooLarge(int limit) => new(
        DisconnectReason.ProtocolError,
        1009,
        new(ErrorCodes.TooLarge, string.Create(CultureInfo.InvariantCulture, $"A message has at most {limit} bytes."), new() { ["limit"] = limit }));

    /// <summary>New credentials do not allow what the endpoint requires.</summary>
    public static Closing NotAllowed(EventError error) => new(DisconnectReason.ServerNamespaceDisconnect, 1008, error);

    public TransportClose ToTransport() => new(Status, Error?.Code ?? Reason.ToWireString());
}

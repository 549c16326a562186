namespace WsServer.SocketIO.Engine;

/// <summary>Why a request is refused, as clients are told.</summary>
/// <param name="Code">The code of the protocol.</param>
/// <param name="Message">What it means.</param>
/// <param name="Status">The status of the HTTP response.</param>
internal sealed record EngineError(int Code, string Message, int Status = 400)
{
    public static readonly EngineError UnknownTransport = new(0, "Transport unknown");
    public static readonly EngineError UnknownSession = new(1, "Session ID unknown");
    public static readonly EngineError BadHandshakeMethod = new(2, "Bad handshake method");
    public static readonly EngineError BadRequest = new(3, "Bad request");
    public static readonly EngineError Forbidden = new(4, "Forbidden", 403);
    public static readonly EngineError UnsupportedVersion = new(5, "Unsupported protocol version");

    // The protocol knows no codes for these.
    public static readonly EngineError TooLarge = new(3, "Payload too large", 413);
    public static readonly EngineError TooManyAttempts = new(3, "Too many attempts to connect", 429);
    public static readonly EngineError TooManyConnections = new(3, "Too many connections of this address or this user", 429);
    public static readonly EngineError Full = new(3, "Too many connections", 503);
}

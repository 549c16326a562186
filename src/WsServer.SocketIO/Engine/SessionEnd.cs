namespace WsServer.SocketIO.Engine;

/// <summary>Why a session is over.</summary>
internal enum SessionEnd
{
    /// <summary>The client has closed it.</summary>
    Client,

    /// <summary>The server has closed it, and the client knows or will not come for it.</summary>
    Server,

    /// <summary>A ping was not answered.</summary>
    PingTimeout,

    /// <summary>A packet was begun and not finished in time.</summary>
    Unfinished,

    /// <summary>A request was broken off.</summary>
    Broken,

    /// <summary>The client broke the rules.</summary>
    Malformed,
}

using WsServer.Access;

namespace WsServer.Dispatch;

/// <summary>Who holds the sockets of one connection, and learns what becomes of them.</summary>
internal interface ISocketOwner
{
    /// <summary>What has taken the place of the handshake's credentials; null while they are in force.</summary>
    Credential? Credential { get; }

    /// <summary>How many tokens of the connection are looked at; made when the first comes.</summary>
    TokenBudget TokenBudget { get; }

    /// <summary>Gives a socket, or all that go by the connection's, other credentials; completes when the policies have decided again.</summary>
    Task RefreshAsync(EventSocket socket, Credential credential);

    /// <summary>The socket is in its namespace.</summary>
    void Joined(EventSocket socket);

    /// <summary>The socket is out, or was never let in (no reason); its last handlers may still run.</summary>
    void Gone(EventSocket socket, DisconnectReason? reason);

    /// <summary>Nothing of the socket runs any more.</summary>
    void Finished(EventSocket socket);

    /// <summary>Puts out all sockets of the connection, which ends it.</summary>
    void PutOutAll();
}

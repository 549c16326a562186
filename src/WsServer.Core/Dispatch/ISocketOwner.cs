namespace WsServer.Dispatch;

/// <summary>Who holds the sockets of one connection, and learns what becomes of them.</summary>
internal interface ISocketOwner
{
    /// <summary>The socket is in its namespace.</summary>
    void Joined(EventSocket socket);

    /// <summary>The socket is out, or was never let in (no reason); its last handlers may still run.</summary>
    void Gone(EventSocket socket, DisconnectReason? reason);

    /// <summary>Nothing of the socket runs any more.</summary>
    void Finished(EventSocket socket);

    /// <summary>Puts out all sockets of the connection, which ends it.</summary>
    void PutOutAll();
}

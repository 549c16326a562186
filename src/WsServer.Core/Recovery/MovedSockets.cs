namespace WsServer.Recovery;

/// <summary>Sockets that were cut off on their way from one node to another, with what they have missed.</summary>
/// <param name="Heard">What the node that gives them away had dealt with.</param>
/// <param name="Logs">The logs in which it stands.</param>
/// <param name="Sockets">The sockets.</param>
internal sealed record MovedSockets(Heard Heard, IReadOnlyList<MovedLog> Logs, IReadOnlyList<MovedSocket> Sockets);

/// <summary>A log, or what of it is of use.</summary>
/// <param name="Floor">Behind which number nothing is missing.</param>
/// <param name="Position">Where it stood.</param>
/// <param name="Events">What is in it.</param>
internal sealed record MovedLog(long Floor, long Position, IReadOnlyList<LoggedEvent> Events);

/// <summary>One socket.</summary>
/// <param name="Socket">What is kept of it.</param>
/// <param name="Stretches">Where what it has missed stands, in order.</param>
internal sealed record MovedSocket(SocketSnapshot Socket, IReadOnlyList<MovedStretch> Stretches);

/// <summary>A <see cref="Stretch"/> of one of the logs.</summary>
internal sealed record MovedStretch(int Log, long From, long UpTo, Heard? Heard, long HeardUpTo);

/// <summary>What becomes of the wish to take sockets to another node.</summary>
internal enum Departure
{
    /// <summary>There is none.</summary>
    Gone,

    /// <summary>There is one, but what its client has missed is no longer there, or is too much.</summary>
    Unusable,

    /// <summary>The numbers here have come further than those with which the other would go on.</summary>
    Ahead,

    /// <summary>They may go.</summary>
    Given,
}

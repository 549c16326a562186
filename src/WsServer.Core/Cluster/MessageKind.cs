namespace WsServer.Cluster;

/// <summary>What one node says to others.</summary>
internal enum MessageKind : byte
{
    /// <summary>An event for sockets: an audience and a packet.</summary>
    Emit = 1,

    /// <summary>Something asked: an id, what, who is meant, and whatever that takes.</summary>
    Request = 2,

    /// <summary>Whoever has not got the request of this id says so.</summary>
    Census = 3,

    /// <summary>A part of an answer, or the last: the request's id.</summary>
    Reply = 4,

    /// <summary>The node is there.</summary>
    Heartbeat = 5,

    /// <summary>The node is new; the others are to send a heartbeat at once.</summary>
    Hello = 6,

    /// <summary>The node goes.</summary>
    Goodbye = 7,

    /// <summary>An event for the program of the other nodes.</summary>
    ServerSide = 8,

    /// <summary>Who has come to rooms, or gone.</summary>
    Presence = 9,
}

/// <summary>What one node asks of others.</summary>
internal enum RequestKind : byte
{
    /// <summary>An event for sockets, and what they answer.</summary>
    EmitWithAcks = 1,

    /// <summary>Which sockets there are.</summary>
    Fetch = 2,

    /// <summary>How many sockets there are.</summary>
    Count = 3,

    /// <summary>To put sockets into rooms.</summary>
    Join = 4,

    /// <summary>To take them out.</summary>
    Leave = 5,

    /// <summary>To put them out of the namespace.</summary>
    Disconnect = 6,

    /// <summary>An event for the program, and what it answers.</summary>
    ServerSide = 7,

    /// <summary>Who is in rooms, all of it.</summary>
    Presence = 8,

    /// <summary>What a client had whose socket was cut off.</summary>
    Session = 9,
}

namespace WsServer.Recovery;

/// <summary>Where an event was emitted, and which of its node's it is; number 0 for one that no other node gets.</summary>
/// <param name="Node">The node's id; null where a server is alone.</param>
/// <param name="Number">The number that the node has published it with.</param>
internal readonly record struct Origin(string? Node, long Number);

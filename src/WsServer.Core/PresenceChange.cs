namespace WsServer;

/// <summary>What has happened to a socket in a room.</summary>
public enum PresenceChangeKind
{
    /// <summary>It has come, or is found to be there.</summary>
    Joined,

    /// <summary>It has other metadata, or is on another node.</summary>
    Updated,

    /// <summary>It has gone, or its node has.</summary>
    Left,
}

/// <summary>A change of who is in a room.</summary>
/// <param name="Kind">What has happened.</param>
/// <param name="Room">The room.</param>
/// <param name="Entry">The socket; one that has left as it was.</param>
public sealed record PresenceChange(PresenceChangeKind Kind, string Room, PresenceEntry Entry);

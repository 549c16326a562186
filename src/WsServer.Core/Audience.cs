namespace WsServer;

/// <summary>Who is meant by an emit, as a value.</summary>
/// <param name="Namespace">The namespace.</param>
/// <param name="Rooms">Members of any of these; everybody, when empty.</param>
/// <param name="Except">But not members of any of these. A socket's own room is named by its id.</param>
/// <param name="IsVolatile">May be dropped for a client that does not keep up.</param>
internal sealed record Audience(string Namespace, string[] Rooms, string[] Except, bool IsVolatile)
{
    /// <summary>What becomes of the event for a client that does not keep up; null when that is for the event's policy to say.</summary>
    public SlowConsumerPolicy? WhenSlow { get; init; }

    /// <summary>Only sockets of this node.</summary>
    public bool IsLocal { get; init; }

    /// <summary>The one socket of this id is meant, and nobody else who may be in a room of that name.</summary>
    public string? Sid { get; init; }
}

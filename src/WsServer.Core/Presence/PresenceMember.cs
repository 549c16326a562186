namespace WsServer.Presence;

/// <summary>A socket in a namespace as its node has told of it. Guarded by the gate of <see cref="ServerPresence"/>.</summary>
/// <param name="node">The node that it is on.</param>
/// <param name="ns">Its namespace.</param>
/// <param name="sid">Its id.</param>
/// <param name="joinedAt">Since when it is in the namespace, in ticks of UTC.</param>
internal sealed class PresenceMember(string node, string ns, string sid, long joinedAt)
{
    private static readonly Dictionary<string, long> None = [];

    private Dictionary<string, long>? _rooms;

    public string Node => node;

    public string Namespace => ns;

    public string Sid => sid;

    public long JoinedAt => joinedAt;

    /// <summary>JSON; null for none. Never changed, only replaced.</summary>
    public byte[]? Metadata { get; set; }

    /// <summary>Its rooms, each with since when it is there.</summary>
    public IReadOnlyDictionary<string, long> Rooms => _rooms ?? None;

    /// <summary>The place among the sockets of this node that it tells of; null for another node's.</summary>
    public object? Source { get; init; }

    /// <summary>The same socket on a node that it was on before, as long as that one has not told that it is gone.</summary>
    public PresenceMember? Before { get; set; }

    public void Join(string room, long at) => (_rooms ??= new(StringComparer.Ordinal))[room] = at;

    public void Leave(string room) => _rooms?.Remove(room);

    /// <summary>What it is like now.</summary>
    public PresenceMember Copy()
    {
        var copy = new PresenceMember(Node, Namespace, Sid, JoinedAt) { Metadata = Metadata };
        if (_rooms is { Count: > 0 })
        {
            copy._rooms = new(_rooms, StringComparer.Ordinal);
        }

        return copy;
    }

    public bool HasMetadata(byte[]? other) =>
        ReferenceEquals(Metadata, other) || (Metadata is not null && other is not null && Metadata.AsSpan().SequenceEqual(other));
}

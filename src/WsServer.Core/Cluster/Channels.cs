using System.Globalization;

namespace WsServer.Cluster;

/// <summary>
/// The channels of a server, by name. All nodes are subscribed to <see cref="All"/>, and each to its own. Namespaces and
/// rooms share a number of channels, to which a node is subscribed while it has one of them.
/// </summary>
internal sealed class Channels(string self, int shards)
{
    // A sid is random and ends with the id of the node where it was given.
    public const int NodeLength = RandomId.NodeLength;

    private readonly string[] _namespaces = Name('n', shards);
    private readonly string[] _rooms = Name('r', shards);
    private readonly string[] _sids = Name('s', shards);

    /// <summary>What concerns every node.</summary>
    public static string All => "all";

    /// <summary>This node's.</summary>
    public string Self { get; } = OfNode(self);

    /// <summary>What concerns one node.</summary>
    public static string OfNode(string node) => "node." + node;

    /// <summary>What goes to everybody in a namespace.</summary>
    public string OfNamespace(string ns) => _namespaces[Shard(ns, "")];

    /// <summary>
    /// What goes to a room; also the room of a socket that is not where its id was given, or one that others have joined
    /// which is called like a socket's.
    /// </summary>
    public string OfRoom(string ns, string room) => (IsSid(room) ? _sids : _rooms)[Shard(ns, room)];

    /// <summary>Whether a name could be the id of a socket.</summary>
    public static bool IsSid(string name) => name.Length == RandomId.Length + NodeLength && RandomId.IsAlphabet(name);

    /// <summary>The node that gave an id.</summary>
    public static ReadOnlySpan<char> NodeOf(string sid) => sid.AsSpan(RandomId.Length);

    /// <summary>Where those are who are meant.</summary>
    public IReadOnlyList<string> Of(Audience audience)
    {
        if (audience.Sid is { } sid)
        {
            return Of(audience.Namespace, [sid]);
        }

        return audience.Rooms.Length == 0 ? [OfNamespace(audience.Namespace)] : Of(audience.Namespace, audience.Rooms);
    }

    private List<string> Of(string ns, string[] rooms)
    {
        var channels = new List<string>(rooms.Length);
        foreach (string room in rooms)
        {
            Add(channels, OfRoom(ns, room));
            if (IsSid(room) && !NodeOf(room).SequenceEqual(self))
            {
                Add(channels, OfNode(NodeOf(room).ToString()));
            }
        }

        return channels;
    }

    private static void Add(List<string> channels, string channel)
    {
        if (!channels.Contains(channel))
        {
            channels.Add(channel);
        }
    }

    private static string[] Name(char kind, int shards)
    {
        var names = new string[shards];
        for (int i = 0; i < shards; i++)
        {
            names[i] = string.Create(CultureInfo.InvariantCulture, $"{kind}{shards}.{i}");
        }

        return names;
    }

    // FNV-1a: the same on every node, whatever its runtime.
    private int Shard(string ns, string room)
    {
        uint hash = 2166136261;
        foreach (char c in ns)
        {
            hash = (hash ^ c) * 16777619;
        }

        hash = (hash ^ 0xffff) * 16777619;
        foreach (char c in room)
        {
            hash = (hash ^ c) * 16777619;
        }

        // The low bits of FNV are its weakest.
        return (int)((hash ^ (hash >> 15)) % (uint)shards);
    }
}

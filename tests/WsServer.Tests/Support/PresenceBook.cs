using System.Collections.Concurrent;

namespace WsServer.Tests.Support;

/// <summary>Keeps the books of who is where, by nothing but what handlers are told; notes what cannot be.</summary>
internal sealed class PresenceBook
{
    private readonly ConcurrentQueue<string> _told = new();
    private readonly ConcurrentDictionary<(string Room, string Sid), string> _there = new();
    private readonly ConcurrentQueue<string> _wrong = new();

    /// <summary>What was told: kind, room, sid.</summary>
    public IReadOnlyCollection<string> Told => _told;

    /// <summary>What does not fit what was told before.</summary>
    public IReadOnlyCollection<string> Wrong => _wrong;

    /// <summary>Who is where: room, sid, metadata.</summary>
    public IReadOnlyList<string> There => [.. _there.Select(t => $"{t.Key.Room} {t.Key.Sid} {t.Value}").Order(StringComparer.Ordinal)];

    public void Note(PresenceChange change)
    {
        string what = $"{change.Kind} {change.Room} {change.Entry.Sid}";
        _told.Enqueue(what);
        (string, string) key = (change.Room, change.Entry.Sid);
        string metadata = change.Entry.Metadata?.GetRawText() ?? "";
        bool fits = change.Kind switch
        {
            PresenceChangeKind.Joined => _there.TryAdd(key, metadata),
            PresenceChangeKind.Left => _there.TryRemove(key, out _),
            _ => _there.ContainsKey(key),
        };
        if (!fits)
        {
            _wrong.Enqueue(what);
        }

        if (change.Kind == PresenceChangeKind.Updated)
        {
            _there[key] = metadata;
        }
    }
}

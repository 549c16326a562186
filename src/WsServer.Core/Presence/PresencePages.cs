using WsServer.Cluster;

namespace WsServer.Presence;

/// <summary>
/// Tells other nodes all that this one has, a page at a time, as each asks for the next: so a large state neither holds up
/// what is told meanwhile nor fills the queue. A page says what is so when it is written; what changes behind it is told as
/// ever, in order. Guarded by the gate of <see cref="ServerPresence"/>.
/// </summary>
internal sealed class PresencePages(PresenceState own)
{
    private const int PageBytes = 64 * 1024;

    private readonly Dictionary<string, Reading> _readings = new(StringComparer.Ordinal);

    /// <summary>The node is gone.</summary>
    public void Forget(string node) => _readings.Remove(node);

    /// <summary>Writes a page for a node; false when it asks for one of a reading that is not known.</summary>
    public bool TryWrite(string node, long number, int from, long version, WireBuffer page)
    {
        if (from == 0)
        {
            _readings[node] = new Reading(number, [.. own.Members]);
        }

        if (!_readings.TryGetValue(node, out Reading? reading) || reading.Number != number || from > reading.Members.Length)
        {
            return false;
        }

        page.Int64(version);
        int lastAt = page.Length;
        page.Int64(0);
        int next = from;
        while (next < reading.Members.Length && page.Length < PageBytes)
        {
            PresenceMember member = reading.Members[next++];
            if (own.Find(member.Namespace, member.Sid) == member)
            {
                page.Write(member);
            }
        }

        bool isLast = next == reading.Members.Length;
        page.PatchInt64(lastAt, isLast ? -1 : next);
        if (isLast)
        {
            _readings.Remove(node);
        }

        return true;
    }

    private sealed record Reading(long Number, PresenceMember[] Members);
}

using WsServer.Wire;

namespace WsServer.Recovery;

/// <summary>What one node has logged for a socket while it was there.</summary>
/// <param name="Log">The log.</param>
/// <param name="From">Behind which number it begins.</param>
/// <param name="UpTo">The last number that belongs to it.</param>
/// <param name="Heard">What the node before had dealt with when it gave the socket away; null for the first.</param>
/// <param name="HeardUpTo">Up to which number that matters: what is behind it came when the socket was here.</param>
internal sealed record Stretch(ReplayLog Log, long From, long UpTo, Heard? Heard, long HeardUpTo)
{
    /// <summary>The same for the node where the socket is now.</summary>
    public bool IsOpen => UpTo == long.MaxValue;
}

/// <summary>
/// The logs in which what a socket has missed stands, that has been on more nodes than one. Numbers rise from one to the
/// next, so that the last one that a client has had says where to go on.
/// </summary>
/// <param name="Stretches">One for each node, in order; the last is this node's own log.</param>
internal sealed record History(IReadOnlyList<Stretch> Stretches)
{
    /// <summary>Whether everything behind this number is still there.</summary>
    public bool Reaches(long after)
    {
        foreach (Stretch stretch in Stretches)
        {
            if (after < stretch.UpTo && !stretch.Log.Reaches(Math.Max(after, stretch.From)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Reads what was meant for the socket, in order; see <see cref="ReplayLog.Read(long, string, IReadOnlyDictionary{string, long})"/>.</summary>
    public IEnumerable<Packet> Read(long after, string sid, IReadOnlyDictionary<string, long> rooms)
    {
        foreach (Stretch stretch in Stretches)
        {
            if (after < stretch.UpTo)
            {
                foreach (Packet packet in stretch.Log.Read(stretch, after, sid, rooms))
                {
                    yield return packet;
                }
            }
        }
    }

    /// <summary>What is still of use when the client has had everything up to this number; null when this node's log alone is.</summary>
    public History? Behind(long seq)
    {
        Stretch own = Stretches[^1];
        return seq >= own.HeardUpTo ? null : seq >= own.From ? new History([own]) : this;
    }
}

using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>
/// What is known of the packets that wait for one client that lags: how many bytes of them may be dropped, which
/// conflate, and where the client has missed some. Made when a packet meets a policy that it has to ask, and gone when
/// nothing waits. Positions are those of a <see cref="PacketQueue"/>, which guards it.
/// </summary>
internal sealed class Backlog
{
    private Dictionary<DropTerms, int>? _conflated;

    /// <summary>How far the packets have been looked at.</summary>
    public int Seen { get; set; }

    /// <summary>Before this position there is none that may be removed.</summary>
    public int Oldest { get; set; }

    /// <summary>How many places among those that wait are empty.</summary>
    public int Holes { get; set; }

    /// <summary>The bytes of all that may be dropped, volatile ones excepted.</summary>
    public long DroppableBytes { get; private set; }

    /// <summary>The bytes of those among them that may have to go after they were taken.</summary>
    public long RemovableBytes { get; private set; }

    /// <summary>What the client has missed and has not been told; null for nothing.</summary>
    public MissedEvents? Missed { get; private set; }

    /// <summary>The position of the packet in front of which it has missed the first of these.</summary>
    public int GapAt { get; set; }

    public bool HasConflated => _conflated is { Count: > 0 };

    /// <summary>A packet waits.</summary>
    public void Add(EncodedPacket packet, int at)
    {
        if (packet.Terms is not { IsTold: true } terms)
        {
            return;
        }

        Count(packet, terms, 1);
        if (terms.Kind == DropKind.Conflate)
        {
            (_conflated ??= [])[terms] = at;
        }
    }

    /// <summary>It waits no longer.</summary>
    public void Remove(EncodedPacket packet, int at)
    {
        if (at >= Seen || packet.Terms is not { IsTold: true } terms)
        {
            return;
        }

        Count(packet, terms, -1);
        if (terms.Kind == DropKind.Conflate && Find(terms) == at)
        {
            _conflated!.Remove(terms);
        }
    }

    /// <summary>It has another position.</summary>
    public void Move(EncodedPacket packet, int from, int to)
    {
        if (packet.Terms is { Kind: DropKind.Conflate } terms && Find(terms) == from)
        {
            _conflated![terms] = to;
        }
    }

    /// <summary>Where a packet waits that conflates with one of these terms; less than 0 for none.</summary>
    public int Find(DropTerms terms) => _conflated is not null && _conflated.TryGetValue(terms, out int at) ? at : -1;

    /// <summary>The client has missed an event that would have been in front of this position.</summary>
    public void Miss(DropTerms terms, int at)
    {
        GapAt = Missed is null ? at : Math.Min(GapAt, at);
        (Missed ??= new MissedEvents()).Add(terms);
    }

    /// <summary>Takes out what the client is to be told.</summary>
    public MissedEvents? TakeMissed()
    {
        MissedEvents? missed = Missed;
        Missed = null;
        return missed;
    }

    /// <summary>There are no packets at this position and behind it.</summary>
    public void EndAt(int end)
    {
        Seen = Math.Min(Seen, end);
        Oldest = Math.Min(Oldest, end);
        GapAt = Math.Min(GapAt, end);
    }

    private void Count(EncodedPacket packet, DropTerms terms, int sign)
    {
        long bytes = packet.TotalLength * sign;
        DroppableBytes += bytes;
        if (terms.IsRemovable)
        {
            RemovableBytes += bytes;
        }
    }
}

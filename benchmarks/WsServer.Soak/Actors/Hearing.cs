using WsServer.Soak.Wire;

namespace WsServer.Soak.Actors;

/// <summary>What one member of a room has heard: from each sender everything once and in order, from the member's joining on.</summary>
internal sealed class Hearing(string who)
{
    private readonly Dictionary<int, Said> _last = [];
    private readonly Lock _gate = new();

    /// <summary>When it was in the room for sure, by the clock of <see cref="Said.Time"/>.</summary>
    public long Since { get; set; } = long.MaxValue;

    /// <summary>Takes one that has come.</summary>
    /// <exception cref="SoakException">One is missing before it, or it came before.</exception>
    public void Take(Said said)
    {
        lock (_gate)
        {
            bool isKnown = _last.TryGetValue(said.Sender, out Said last);
            if (isKnown ? said.Number != last.Number + 1 : said.Number != 0 && said.Began > Since)
            {
                throw new SoakException($"{who} got number {said.Number} of {said.Sender} after {(isKnown ? last.Number : -1)}.");
            }

            _last[said.Sender] = said;
        }
    }

    /// <summary>The last number that has come from a sender, -1 when there is none.</summary>
    public int LastOf(int sender)
    {
        lock (_gate)
        {
            return _last.TryGetValue(sender, out Said last) ? last.Number : -1;
        }
    }
}

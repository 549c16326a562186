using System.Net.Sockets;

namespace WsServer.Polling;

/// <summary>Who has a socket that a <see cref="PollLoop"/> waits for. As a work item of the pool it does what its loop would have done.</summary>
internal interface IPolled : IThreadPoolWorkItem
{
    SafeSocketHandle Handle { get; }

    /// <summary>Learns what has happened, perhaps in vain, and must not block; true when <see cref="IThreadPoolWorkItem.Execute"/> has something to do.</summary>
    bool Note(PollEvents events);
}

/// <summary>
/// Who belongs to which key. The key is a place and how often that was given away before, so that an event of somebody
/// who has left, which may be under way still, finds nobody.
/// </summary>
internal sealed class PollTable
{
    private const int None = -1;

    private Place[] _places = [];
    private int _firstFree = None;

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    public ulong Add(IPolled polled)
    {
        lock (this)
        {
            if (_firstFree == None)
            {
                Grow();
            }

            int at = _firstFree;
            ref Place place = ref _places[at];
            _firstFree = place.NextFree;
            Volatile.Write(ref place.Polled, polled);
            Count++;
            return ((ulong)place.Uses << 32) | (uint)at;
        }
    }

    public void Remove(ulong key)
    {
        lock (this)
        {
            ref Place place = ref _places[(uint)key];
            place.Uses = unchecked(place.Uses + 1);
            place.Polled = null;
            place.NextFree = _firstFree;
            _firstFree = (int)(uint)key;
            Count--;
        }
    }

    /// <summary>Without a lock: who finds the next one in a place learns of something in vain, which does no harm.</summary>
    public IPolled? Find(ulong key)
    {
        Place[] places = Volatile.Read(ref _places);
        if ((uint)key >= places.Length)
        {
            return null;
        }

        ref Place place = ref places[(uint)key];
        return place.Uses == (uint)(key >> 32) ? Volatile.Read(ref place.Polled) : null;
    }

    private void Grow()
    {
        int before = _places.Length;
        var larger = new Place[Math.Max(64, before * 2)];
        _places.CopyTo(larger, 0);
        for (int i = before; i < larger.Length; i++)
        {
            larger[i].NextFree = i + 1 < larger.Length ? i + 1 : None;
        }

        _firstFree = before;
        Volatile.Write(ref _places, larger);
    }

    private struct Place
    {
        public IPolled? Polled;
        public uint Uses;
        public int NextFree;
    }
}

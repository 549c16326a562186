using WsServer.Wire;

namespace WsServer.Recovery;

/// <summary>How much a <see cref="ReplayLog"/> keeps.</summary>
/// <param name="Events">At most so many events.</param>
/// <param name="Bytes">At most so many bytes of names, arguments and attachments.</param>
/// <param name="Age">None that is older.</param>
internal sealed record ReplayLimits(int Events, long Bytes, TimeSpan Age);

/// <summary>
/// The last events of one namespace, each with whom it was meant for, for clients that were cut off. A ring: numbers rise,
/// and the oldest events make room for the newest.
/// </summary>
/// <param name="limits">How much it keeps.</param>
/// <param name="time">The time.</param>
/// <param name="notesOrigins">Whether it notes where events were emitted, as it has to where sockets come from other nodes.</param>
/// <remarks>Not safe for concurrent use: the numbers stand for an order, which whoever uses it has to keep as well.</remarks>
internal sealed class ReplayLog(ReplayLimits limits, TimeProvider time, bool notesOrigins = false)
{
    private const int FewestPlaces = 16;

    private Entry[] _ring = [];

    // Beside the ring, and only where they are of use.
    private Origin[] _origins = [];
    private int _start;
    private int _count;

    /// <summary>
    /// The number of the last event that was added. Begins with 1 though there is none of this number, as a client that
    /// names 0 names nothing.
    /// </summary>
    public long Position { get; private set; } = 1;

    /// <summary>Behind which number nothing is missing.</summary>
    public long Floor { get; private set; } = 1;

    /// <summary>How many events it holds.</summary>
    public int Count => _count;

    /// <summary>How many bytes it holds.</summary>
    public long Bytes { get; private set; }

    /// <summary>Adds an event, whose arguments the log keeps, and returns its number.</summary>
    public long Add(Audience audience, in Packet packet, Origin origin = default)
    {
        long now = time.GetTimestamp();
        long seq = Add(audience, packet, origin, now);
        Trim(now);
        return seq;
    }

    private long Add(Audience audience, in Packet packet, Origin origin, long added)
    {
        Position++;
        long bytes = Measure(packet);
        if (_count == _ring.Length)
        {
            Grow();
        }

        int place = (_start + _count) % _ring.Length;
        _ring[place] = new Entry(audience, packet with { Seq = Position }, bytes, added);
        if (notesOrigins)
        {
            _origins[place] = origin;
        }

        _count++;
        Bytes += bytes;
        while (_count > limits.Events || Bytes > limits.Bytes)
        {
            DropOldest();
        }

        return Position;
    }

    private long Ago(TimeSpan age) => time.GetTimestamp() - (long)(age.TotalSeconds * time.TimestampFrequency);

    /// <summary>Drops what is too old.</summary>
    public void Trim() => Trim(time.GetTimestamp());

    /// <summary>Whether everything behind this number is still there.</summary>
    public bool Reaches(long after) => after <= Position && after >= Floor;

    /// <summary>Goes on with numbers behind this one.</summary>
    public void SkipTo(long position) => Position = Math.Max(Position, position);

    /// <summary>Reads what was meant for one socket, in order.</summary>
    /// <param name="after">The last number that is not wanted; one that the log <see cref="Reaches"/>.</param>
    /// <param name="sid">The socket.</param>
    /// <param name="rooms">The rooms that it is in, its own among them, each with where the log stood when it joined.</param>
    public IEnumerable<Packet> Read(long after, string sid, IReadOnlyDictionary<string, long> rooms)
    {
        for (int i = FindBehind(after); i < _count; i++)
        {
            Entry entry = _ring[(_start + i) % _ring.Length];
            if (IsFor(entry, sid, rooms))
            {
                yield return entry.Packet;
            }
        }
    }

    /// <summary>The same within a part of it, without what the node before has dealt with.</summary>
    public IEnumerable<Packet> Read(Stretch stretch, long after, string sid, IReadOnlyDictionary<string, long> rooms)
    {
        for (int i = FindBehind(Math.Max(after, stretch.From)); i < _count; i++)
        {
            int place = (_start + i) % _ring.Length;
            Entry entry = _ring[place];
            long seq = entry.Packet.Seq;
            if (seq > stretch.UpTo)
            {
                break;
            }

            bool isDealtWith = stretch.Heard is { } heard && seq <= stretch.HeardUpTo && heard.Has(OriginAt(place));
            if (!isDealtWith && IsFor(entry, sid, rooms))
            {
                yield return entry.Packet;
            }
        }
    }

    /// <summary>All that it holds, for another log to begin with.</summary>
    public IEnumerable<LoggedEvent> Save()
    {
        long now = time.GetTimestamp();
        for (int i = 0; i < _count; i++)
        {
            int place = (_start + i) % _ring.Length;
            (Audience audience, Packet packet, _, long added) = _ring[place];
            JsonArguments arguments = packet.Arguments;
            var attachments = new byte[arguments.Attachments.Length][];
            for (int a = 0; a < attachments.Length; a++)
            {
                attachments[a] = arguments.Attachments[a].ToArray();
            }

            yield return new LoggedEvent(
                packet.Seq, time.GetElapsedTime(added, now), packet.Event, arguments.Utf8.ToArray(), arguments.Count, attachments, audience.Rooms, audience.Except, audience.Sid)
            {
                Origin = OriginAt(place),
            };
        }
    }

    /// <summary>Begins where another log has ended.</summary>
    /// <param name="ns">Whose log it is.</param>
    /// <param name="position">How far the other had counted.</param>
    /// <param name="events">What it held, in order.</param>
    /// <param name="away">How long ago that was.</param>
    /// <param name="floor">Behind which number nothing was missing there.</param>
    /// <exception cref="InvalidDataException">The numbers do not rise.</exception>
    public void Restore(string ns, long position, IReadOnlyList<LoggedEvent> events, TimeSpan away, long? floor = null)
    {
        Clear();
        Floor = floor ?? (events.Count > 0 ? events[0].Seq - 1 : position);
        Position = Floor;
        foreach (LoggedEvent e in events)
        {
            if (e.Seq <= Position || e.Seq > position)
            {
                throw new InvalidDataException("The numbers of a log do not rise.");
            }

            Position = e.Seq - 1;
            ReadOnlyMemory<byte>[] attachments = Array.ConvertAll(e.Attachments, a => (ReadOnlyMemory<byte>)a);
            var packet = new Packet(PacketKind.Event) { Namespace = ns, Event = e.Event, Arguments = JsonArguments.FromUtf8(e.Arguments, e.Count, attachments) };
            Add(new Audience(ns, e.Rooms, e.Except, IsVolatile: false) { Sid = e.Sid }, packet, e.Origin, Ago(e.Age + away));
        }

        SkipTo(position);

        Trim();
    }

    /// <summary>Forgets all events, but not how far it had counted.</summary>
    public void Clear()
    {
        _ring = [];
        _origins = [];
        Floor = Position;
        _start = 0;
        _count = 0;
        Bytes = 0;
    }

    private static bool IsFor(in Entry entry, string sid, IReadOnlyDictionary<string, long> rooms)
    {
        Audience audience = entry.Audience;
        return audience.Sid is { } only
            ? only == sid
            : (audience.Rooms.Length == 0 || IsInAny(audience.Rooms, entry.Packet.Seq, rooms)) && !IsInAny(audience.Except, entry.Packet.Seq, rooms);
    }

    // What went to a room before it was joined was none of the reader's.
    private static bool IsInAny(string[] some, long seq, IReadOnlyDictionary<string, long> rooms)
    {
        foreach (string room in some)
        {
            if (rooms.TryGetValue(room, out long joinedAt) && seq > joinedAt)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The bytes of a packet as the log counts them: less than it has on the wire.</summary>
    public static long Measure(in Packet packet)
    {
        long bytes = packet.Event.Length + packet.Arguments.Utf8.Length;
        foreach (ReadOnlyMemory<byte> attachment in packet.Arguments.Attachments)
        {
            bytes += attachment.Length;
        }

        return bytes;
    }

    private void Trim(long now)
    {
        while (_count > 0 && time.GetElapsedTime(_ring[_start].Added, now) > limits.Age)
        {
            DropOldest();
        }
    }

    private Origin OriginAt(int place) => notesOrigins ? _origins[place] : default;

    /// <summary>How many events have no higher number than this.</summary>
    private int FindBehind(long after)
    {
        int low = 0;
        int high = _count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_ring[(_start + middle) % _ring.Length].Packet.Seq <= after)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private void DropOldest()
    {
        Floor = _ring[_start].Packet.Seq;
        Bytes -= _ring[_start].Bytes;
        _ring[_start] = default;
        _start = (_start + 1) % _ring.Length;
        _count--;
    }

    private void Grow()
    {
        var ring = new Entry[Math.Max(FewestPlaces, _ring.Length * 2)];
        Origin[] origins = notesOrigins ? new Origin[ring.Length] : [];
        for (int i = 0; i < _count; i++)
        {
            int place = (_start + i) % _ring.Length;
            ring[i] = _ring[place];
            if (notesOrigins)
            {
                origins[i] = _origins[place];
            }
        }

        _ring = ring;
        _origins = origins;
        _start = 0;
    }

    private readonly record struct Entry(Audience Audience, Packet Packet, long Bytes, long Added);
}

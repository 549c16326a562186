using WsServer.Wire;

namespace WsServer.Recovery;

/// <summary>How much a <see cref="ReplayLog"/> keeps.</summary>
/// <param name="Events">At most so many events.</param>
/// <param name="Bytes">At most so many bytes of names, arguments and attachments.</param>
/// <param name="Age">None that is older.</param>
internal sealed record ReplayLimits(int Events, long Bytes, TimeSpan Age);

/// <summary>
/// The last events of one namespace, each with whom it was meant for, for clients that were cut off. A ring: each event
/// has the number that follows its predecessor's, and the oldest make room for the newest.
/// </summary>
/// <remarks>Not safe for concurrent use: the numbers stand for an order, which whoever uses it has to keep as well.</remarks>
internal sealed class ReplayLog(ReplayLimits limits, TimeProvider time)
{
    private const int FewestPlaces = 16;

    private Entry[] _ring = [];
    private int _start;
    private int _count;

    /// <summary>
    /// The number of the last event that was added. Begins with 1 though there is none of this number, as a client that
    /// names 0 names nothing.
    /// </summary>
    public long Position { get; private set; } = 1;

    /// <summary>How many events it holds.</summary>
    public int Count => _count;

    /// <summary>How many bytes it holds.</summary>
    public long Bytes { get; private set; }

    /// <summary>Adds an event, whose arguments the log keeps, and returns its number.</summary>
    public long Add(Audience audience, in Packet packet)
    {
        long now = time.GetTimestamp();
        long seq = Add(audience, packet, now);
        Trim(now);
        return seq;
    }

    private long Add(Audience audience, in Packet packet, long added)
    {
        Position++;
        long bytes = Measure(packet);
        if (_count == _ring.Length)
        {
            Grow();
        }

        _ring[(_start + _count) % _ring.Length] = new Entry(audience, packet with { Seq = Position }, bytes, added);
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
    public bool Reaches(long after) => after <= Position && after >= Position - _count;

    /// <summary>Reads what was meant for one socket, in order.</summary>
    /// <param name="after">The last number that is not wanted; one that the log <see cref="Reaches"/>.</param>
    /// <param name="sid">The socket.</param>
    /// <param name="rooms">The rooms that it is in, its own among them, each with where the log stood when it joined.</param>
    public IEnumerable<Packet> Read(long after, string sid, IReadOnlyDictionary<string, long> rooms)
    {
        for (int i = _count - (int)(Position - after); i < _count; i++)
        {
            Entry entry = _ring[(_start + i) % _ring.Length];
            if (IsFor(entry, sid, rooms))
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
            (Audience audience, Packet packet, _, long added) = _ring[(_start + i) % _ring.Length];
            JsonArguments arguments = packet.Arguments;
            var attachments = new byte[arguments.Attachments.Length][];
            for (int a = 0; a < attachments.Length; a++)
            {
                attachments[a] = arguments.Attachments[a].ToArray();
            }

            yield return new LoggedEvent(
                packet.Seq, time.GetElapsedTime(added, now), packet.Event, arguments.Utf8.ToArray(), arguments.Count, attachments, audience.Rooms, audience.Except, audience.Sid);
        }
    }

    /// <summary>Begins where another log has ended.</summary>
    /// <param name="ns">Whose log it is.</param>
    /// <param name="position">How far the other had counted.</param>
    /// <param name="events">What it held, without gaps up to its position.</param>
    /// <param name="away">How long ago that was.</param>
    public void Restore(string ns, long position, IReadOnlyList<LoggedEvent> events, TimeSpan away)
    {
        Clear();
        Position = position - events.Count;
        foreach (LoggedEvent e in events)
        {
            ReadOnlyMemory<byte>[] attachments = Array.ConvertAll(e.Attachments, a => (ReadOnlyMemory<byte>)a);
            var packet = new Packet(PacketKind.Event) { Namespace = ns, Event = e.Event, Arguments = JsonArguments.FromUtf8(e.Arguments, e.Count, attachments) };
            Add(new Audience(ns, e.Rooms, e.Except, IsVolatile: false) { Sid = e.Sid }, packet, Ago(e.Age + away));
        }

        Trim();
    }

    /// <summary>Forgets all events, but not how far it had counted.</summary>
    public void Clear()
    {
        _ring = [];
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

    private void DropOldest()
    {
        Bytes -= _ring[_start].Bytes;
        _ring[_start] = default;
        _start = (_start + 1) % _ring.Length;
        _count--;
    }

    private void Grow()
    {
        var ring = new Entry[Math.Max(FewestPlaces, _ring.Length * 2)];
        for (int i = 0; i < _count; i++)
        {
            ring[i] = _ring[(_start + i) % _ring.Length];
        }

        _ring = ring;
        _start = 0;
    }

    private readonly record struct Entry(Audience Audience, Packet Packet, long Bytes, long Added);
}

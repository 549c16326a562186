using System.Text;
using WsServer.Wire;

namespace WsServer.Cluster;

/// <summary>
/// The form of messages between nodes: <c>WS</c>, the version, the sender's id, and one record or several, each with its
/// number, kind and length. Numbers rise by the order in which a node publishes.
/// </summary>
internal static class Envelopes
{
    public const byte Version = 1;

    private const int HeaderLength = 3 + Channels.NodeLength;

    /// <summary>The length of a record without its content, at most.</summary>
    public const int MaxRecordOverhead = sizeof(long) + 1 + 5;

    public static void WriteHeader(WireBuffer buffer, string node)
    {
        buffer.Raw("WS"u8);
        buffer.Byte(Version);
        Span<byte> id = stackalloc byte[Channels.NodeLength];
        Encoding.ASCII.GetBytes(node, id);
        buffer.Raw(id);
    }

    public static void WriteRecord(WireBuffer buffer, long number, MessageKind kind, ReadOnlySpan<byte> content)
    {
        buffer.Int64(number);
        buffer.Byte((byte)kind);
        buffer.Bytes(content);
    }

    /// <summary>Reads up to the records; null when the message is none of this version.</summary>
    public static string? ReadHeader(ReadOnlyMemory<byte> message, out WireReader records)
    {
        records = default;
        ReadOnlySpan<byte> header = message.Span;
        if (header.Length < HeaderLength || !header.StartsWith("WS"u8) || header[2] != Version)
        {
            return null;
        }

        Span<char> node = stackalloc char[Channels.NodeLength];
        if (!Ascii.IsValid(header[3..HeaderLength]) || Encoding.ASCII.GetChars(header[3..HeaderLength], node) != node.Length || !RandomId.IsAlphabet(node))
        {
            return null;
        }

        records = new WireReader(message[HeaderLength..]);
        return node.ToString();
    }

    /// <exception cref="InvalidDataException">It is none.</exception>
    public static (long Number, MessageKind Kind, ReadOnlyMemory<byte> Content) ReadRecord(ref WireReader records) =>
        (records.Int64(), (MessageKind)records.Byte(), records.Bytes());

    public static void Write(this WireBuffer buffer, Audience audience)
    {
        buffer.Text(audience.Namespace);
        buffer.Texts(audience.Rooms);
        buffer.Texts(audience.Except);
        buffer.Bool(audience.IsVolatile);
        buffer.Optional(audience.Sid);
    }

    /// <exception cref="InvalidDataException">It is none.</exception>
    public static Audience ReadAudience(ref this WireReader reader) =>
        new(reader.Name(), reader.Texts(), reader.Texts(), reader.Bool()) { Sid = reader.Optional() };

    /// <summary>An event for an audience, with what is to become of it for who lags.</summary>
    public static void WriteEmit(WireBuffer buffer, Audience audience, in Packet packet)
    {
        buffer.Write(audience);
        buffer.Text(packet.Event);
        buffer.Arguments(packet.Arguments);
        (byte kind, string? key) = audience.WhenSlow?.ToWire(packet.Arguments) ?? (0, null);
        buffer.Byte(kind);
        buffer.Optional(key);
    }

    /// <exception cref="InvalidDataException">It is none.</exception>
    public static (Audience Audience, Packet Packet) ReadEmit(ref WireReader reader)
    {
        Audience audience = reader.ReadAudience();
        var packet = new Packet(PacketKind.Event) { Namespace = audience.Namespace, Event = reader.Name(), Arguments = reader.Arguments() };
        byte kind = reader.Byte();
        string? key = reader.Optional();
        return (kind == 0 ? audience : audience with { WhenSlow = SlowConsumerPolicy.FromWire(kind, key) }, packet);
    }
}

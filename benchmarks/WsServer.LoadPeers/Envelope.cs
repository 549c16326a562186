using System.Buffers;
using System.Text.Json;

namespace WsServer.LoadPeers;

/// <summary>The members of a client's envelope that the four events need. <see cref="Data"/> is the JSON as it came.</summary>
internal readonly ref struct Envelope
{
    private Envelope(string? name, ReadOnlySpan<byte> data, long? id)
    {
        Event = name;
        Data = data;
        Id = id;
    }

    public string? Event { get; }

    public ReadOnlySpan<byte> Data { get; }

    public long? Id { get; }

    public static Envelope Parse(ReadOnlySpan<byte> utf8)
    {
        string? name = null;
        ReadOnlySpan<byte> data = default;
        long? id = null;
        var reader = new Utf8JsonReader(utf8);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("event"u8))
            {
                reader.Read();
                name = Name(ref reader);
            }
            else if (reader.ValueTextEquals("data"u8))
            {
                reader.Read();
                int start = (int)reader.TokenStartIndex;
                reader.Skip();
                data = utf8[start..(int)reader.BytesConsumed];
            }
            else if (reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                id = reader.GetInt64();
            }
            else
            {
                reader.Skip();
            }
        }

        return new Envelope(name, data, id);
    }

    /// <summary>The room and the message of <c>toRoom</c>; the message as JSON.</summary>
    public (string? Room, ReadOnlyMemory<byte> Message) ReadRoomMessage()
    {
        string? room = null;
        ReadOnlyMemory<byte> message = default;
        var reader = new Utf8JsonReader(Data);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("room"u8))
            {
                reader.Read();
                room = reader.GetString();
            }
            else if (reader.ValueTextEquals("msg"u8))
            {
                reader.Read();
                int start = (int)reader.TokenStartIndex;
                reader.Skip();
                message = Data[start..(int)reader.BytesConsumed].ToArray();
            }
            else
            {
                reader.Skip();
            }
        }

        return (room, message);
    }

    /// <summary>The bytes of an event with its one argument.</summary>
    public static byte[] WriteEvent(ReadOnlySpan<byte> name, ReadOnlySpan<byte> data)
    {
        var buffer = new ArrayBufferWriter<byte>(name.Length + data.Length + 24);
        buffer.Write("{\"event\":\""u8);
        buffer.Write(name);
        buffer.Write("\",\"data\":"u8);
        buffer.Write(data);
        buffer.Write("}"u8);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The bytes of an ack, without an argument where <paramref name="data"/> is empty.</summary>
    public static byte[] WriteAck(long id, ReadOnlySpan<byte> data)
    {
        Span<byte> head = stackalloc byte[48];
        "{\"ack\":"u8.CopyTo(head);
        id.TryFormat(head[7..], out int digits, provider: System.Globalization.CultureInfo.InvariantCulture);
        int length = 7 + digits;
        ReadOnlySpan<byte> key = ",\"data\":"u8;
        if (data.Length > 0)
        {
            key.CopyTo(head[length..]);
            length += key.Length;
        }

        byte[] message = new byte[length + data.Length + 1];
        head[..length].CopyTo(message);
        data.CopyTo(message.AsSpan(length));
        message[^1] = (byte)'}';
        return message;
    }

    // The four names are literals, so that an event costs no string.
    private static string? Name(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("broadcast"u8) ? "broadcast"
        : reader.ValueTextEquals("echo"u8) ? "echo"
        : reader.ValueTextEquals("join"u8) ? "join"
        : reader.ValueTextEquals("toRoom"u8) ? "toRoom"
        : reader.GetString();
}

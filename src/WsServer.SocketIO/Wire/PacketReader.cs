using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using WsServer.Wire;

namespace WsServer.SocketIO.Wire;

/// <summary>Reads whole packets of Socket.IO 5.</summary>
/// <param name="names">The names that packets are expected to have.</param>
/// <param name="maxNameLength">The longest name of an event or a namespace, in UTF-16 code units.</param>
/// <param name="maxDepth">How deep the JSON may nest; the array of an event is the first level.</param>
internal sealed class PacketReader(NameTable names, int maxNameLength, int maxDepth)
{
    private static readonly FrozenSet<string> ReservedEvents = FrozenSet.Create(
        StringComparer.Ordinal, "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener");

    private readonly JsonReaderOptions _options = new() { MaxDepth = maxDepth };

    /// <summary>Reads a packet; returns what is wrong with it, if anything is.</summary>
    public EventError? Read(ReadOnlyMemory<byte> text, ReadOnlyMemory<byte>[] attachments, out Packet packet)
    {
        packet = default;
        if (!Utf8.IsValid(text.Span))
        {
            return new EventError(ErrorCodes.InvalidJson, "The text is not valid UTF-8.");
        }

        if (!PacketHeader.TryRead(text.Span, out PacketHeader header, out string? fault))
        {
            return Invalid(fault);
        }

        if (header.Attachments != attachments.Length)
        {
            return Invalid("A packet has other attachments than it announces.");
        }

        string ns = header.Namespace.IsEmpty ? "/" : names.Get(header.Namespace);
        if (ns.Length > maxNameLength)
        {
            return Invalid($"A namespace's name is longer than {maxNameLength} characters.");
        }

        try
        {
            fault = ReadPayload(text[header.Length..], header.Type, attachments, ns, header.Id, out packet);
            return fault is null ? null : Invalid(fault);
        }
        catch (JsonException)
        {
            return new EventError(ErrorCodes.InvalidJson, "The payload is not JSON, or nests too deep.");
        }
        catch (InvalidOperationException)
        {
            // What the reader throws for an escape like "\ud800", half of a surrogate pair.
            return new EventError(ErrorCodes.InvalidJson, "A string has an escape that is no character.");
        }
    }

    public static EventError Invalid(string message) => new(ErrorCodes.InvalidEnvelope, message);

    private string? ReadPayload(
        ReadOnlyMemory<byte> payload, PacketType type, ReadOnlyMemory<byte>[] attachments, string ns, PacketId id, out Packet packet)
    {
        packet = default;
        JsonArguments arguments = default;
        string? fault;
        switch (type)
        {
            case PacketType.Event or PacketType.BinaryEvent:
                fault = ReadArray(payload, attachments, isNamed: true, out string name, out arguments);
                packet = new Packet(PacketKind.Event) { Namespace = ns, Event = name, Id = id, Arguments = arguments };
                return fault;
            case PacketType.Ack or PacketType.BinaryAck:
                // Nothing at all is what some clients send for no arguments.
                fault = id.IsNone ? "An ack has the id of the event that it answers."
                    : payload.IsEmpty ? null : ReadArray(payload, attachments, isNamed: false, out _, out arguments);
                packet = new Packet(PacketKind.Ack) { Namespace = ns, Id = id, Arguments = arguments };
                return fault;
            case PacketType.Connect:
                return ReadConnect(payload, ns, out packet);
            case PacketType.Disconnect:
                packet = new Packet(PacketKind.Disconnect) { Namespace = ns };
                return payload.IsEmpty ? null : "A disconnect has no payload.";
            default:
                return "A connect error is for the server to say.";
        }
    }

    private string? ReadArray(ReadOnlyMemory<byte> json, ReadOnlyMemory<byte>[] attachments, bool isNamed, out string name, out JsonArguments arguments)
    {
        name = "";
        arguments = default;
        var reader = new Utf8JsonReader(json.Span, _options);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            return "The payload of an event or ack is an array.";
        }

        int start = (int)reader.TokenStartIndex;
        reader.Read();
        if (isNamed)
        {
            if (ReadName(ref reader, out name) is { } fault)
            {
                return fault;
            }

            reader.Read();
        }

        int first = (int)reader.TokenStartIndex;
        int last = first;
        int count = 0;
        while (reader.TokenType != JsonTokenType.EndArray)
        {
            reader.Skip();
            last = (int)reader.BytesConsumed;
            count++;
            reader.Read();
        }

        ReadOnlyMemory<byte> array = json[start..(int)reader.BytesConsumed];

        // Throws for anything behind the array.
        reader.Read();
        if (attachments.Length > 0 && !AttachmentReferences.AreInRange(array.Span, maxDepth, attachments.Length))
        {
            return "A placeholder stands for an attachment that there is not.";
        }

        // One argument is its bare value; of several, the name is cut out. Attachments of no arguments stand nowhere.
        arguments = count switch
        {
            0 => default,
            1 => JsonArguments.FromUtf8(json[first..last], 1, attachments),
            _ when isNamed => JsonArguments.FromUtf8((byte[])[(byte)'[', .. json.Span[first..last], (byte)']'], count, attachments),
            _ => JsonArguments.FromUtf8(array, count, attachments),
        };
        return null;
    }

    private string? ReadName(ref Utf8JsonReader reader, out string name)
    {
        name = reader.TokenType switch
        {
            JsonTokenType.String => names.Read(ref reader),
            JsonTokenType.Number => names.Get(reader.ValueSpan),
            _ => "",
        };
        if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.Number))
        {
            return "An event begins with its name.";
        }

        return name.Length > maxNameLength ? $"An event's name is longer than {maxNameLength} characters."
            : ReservedEvents.Contains(name) ? $"'{name}' is a reserved name."
            : null;
    }

    private string? ReadConnect(ReadOnlyMemory<byte> json, string ns, out Packet packet)
    {
        packet = new Packet(PacketKind.Connect) { Namespace = ns };
        if (json.IsEmpty)
        {
            return null;
        }

        var reader = new Utf8JsonReader(json.Span, _options);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return "The payload of a connect is an object.";
        }

        int start = (int)reader.TokenStartIndex;
        string? session = null;
        long seq = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isSession = reader.ValueTextEquals("pid"u8);
            bool isSeq = reader.ValueTextEquals("offset"u8);
            reader.Read();
            if (isSession)
            {
                session = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
            }
            else if (isSeq)
            {
                seq = ReadSeq(ref reader);
            }

            reader.Skip();
        }

        JsonArguments auth = JsonArguments.FromUtf8(json[start..(int)reader.BytesConsumed], 1);

        // Throws for anything behind the object.
        reader.Read();
        packet = new Packet(PacketKind.Connect) { Namespace = ns, Arguments = auth, Session = session, Seq = seq };
        return null;
    }

    // One that this server has not given out is as good as none.
    private static long ReadSeq(ref readonly Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.String && long.TryParse(reader.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out long seq) ? seq : 0;
}

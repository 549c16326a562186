using System.Buffers;
using System.Text.Json;

namespace WsServer.Wire;

/// <summary>The JSON event envelope of <c>docs/protocol.md</c>, sections 2 and 5.</summary>
internal sealed class JsonPacketCodec : IPacketCodec
{
    public const string Subprotocol = "wsserver.json.v1";

    private readonly EnvelopeLimits _limits;
    private readonly NameTable _names;
    private readonly bool _takesBinary;

    /// <param name="limits">What passes.</param>
    /// <param name="names">The names that messages are expected to have.</param>
    public JsonPacketCodec(EnvelopeLimits limits, NameTable names)
        : this(limits, names, takesBinary: false) => BinaryForm = new JsonPacketCodec(limits, names, takesBinary: true);

    private JsonPacketCodec(EnvelopeLimits limits, NameTable names, bool takesBinary)
    {
        _limits = limits;
        _names = names;
        _takesBinary = takesBinary;
        BinaryForm = this;
    }

    public IPacketCodec BinaryForm { get; }

    public bool TryDecode(ReadOnlyMemory<byte> message, bool isBinary, out Packet packet, out Packet answer)
    {
        packet = default;
        ReadOnlyMemory<byte> json = message;
        ReadOnlyMemory<byte>? attachments = null;
        if (isBinary)
        {
            int end = message.Span.IndexOf((byte)0);
            if (end < 0)
            {
                EventError error = EnvelopeErrors.Invalid("A binary message is an envelope, one zero byte, and its attachments.");
                answer = new Packet(PacketKind.Error) { Error = error };
                return false;
            }

            json = message[..end];
            attachments = message[(end + 1)..];
        }

        return EnvelopeReader.TryRead(json, attachments, _limits, _names, out packet, out answer);
    }

    public EncodedPacket Encode(in Packet packet, string home)
    {
        using JsonScratch scratch = JsonScratch.Rent();
        Utf8JsonWriter writer = scratch.Writer;
        bool withAttachments = _takesBinary && packet.Arguments.Attachments.Length > 0;
        writer.WriteStartObject();
        switch (packet.Kind)
        {
            case PacketKind.Event:
                writer.WriteString("event"u8, packet.Event);
                WriteArguments(writer, packet.Arguments, withAttachments);
                WriteId(writer, "id"u8, packet.Id);
                WriteNamespace(writer, packet.Namespace, home);
                break;
            case PacketKind.Ack:
                WriteId(writer, "ack"u8, packet.Id);
                WriteArguments(writer, packet.Arguments, withAttachments);
                ErrorObject.Write(writer, packet.Error);
                WriteNamespace(writer, packet.Namespace, home);
                break;
            case PacketKind.Connected:
                writer.WriteString("connected"u8, packet.Namespace);
                writer.WriteString("sid"u8, packet.Sid);
                break;
            case PacketKind.ConnectError:
                writer.WriteString("connect_error"u8, packet.Namespace);
                ErrorObject.Write(writer, packet.Error);
                break;
            case PacketKind.Disconnect:
                writer.WriteString("disconnect"u8, packet.Namespace);
                if (packet.Reason is { } reason)
                {
                    writer.WriteString("reason"u8, reason.ToWireString());
                }

                break;
            case PacketKind.Error:
                ErrorObject.Write(writer, packet.Error);
                break;
            case PacketKind.Pong:
                writer.WritePropertyName("pong"u8);
                writer.WriteRawValue(packet.Arguments.Utf8.Span, skipInputValidation: true);
                break;
            default:
                throw new ArgumentException($"The server sends no {packet.Kind} packet.", nameof(packet));
        }

        if (withAttachments)
        {
            writer.WriteStartArray("bin"u8);
            foreach (ReadOnlyMemory<byte> attachment in packet.Arguments.Attachments)
            {
                writer.WriteNumberValue(attachment.Length);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
        writer.Flush();
        if (withAttachments)
        {
            scratch.Buffer.Write<byte>([0]);
            foreach (ReadOnlyMemory<byte> attachment in packet.Arguments.Attachments)
            {
                scratch.Buffer.Write(attachment.Span);
            }
        }

        return EncodedPacket.Create(scratch.Buffer.WrittenSpan, withAttachments);
    }

    private static void WriteArguments(Utf8JsonWriter writer, JsonArguments arguments, bool withAttachments)
    {
        if (arguments.Count == 0)
        {
            return;
        }

        writer.WritePropertyName(arguments.Count == 1 ? "data"u8 : "args"u8);
        bool isBase64 = arguments.Attachments.Length > 0 && !withAttachments;
        writer.WriteRawValue(isBase64 ? Placeholders.ToBase64(arguments) : arguments.Utf8.Span, skipInputValidation: true);
    }

    private static void WriteId(Utf8JsonWriter writer, ReadOnlySpan<byte> name, PacketId id)
    {
        if (id.Text is { } text)
        {
            writer.WriteString(name, text);
        }
        else if (!id.IsNone)
        {
            writer.WriteNumber(name, id.Number);
        }
    }

    private static void WriteNamespace(Utf8JsonWriter writer, string? ns, string home)
    {
        if (ns is not null && ns != home)
        {
            writer.WriteString("ns"u8, ns);
        }
    }
}

/// <summary>What the reader of an envelope lets pass.</summary>
/// <param name="MaxNameLength">The longest name of an event or namespace, in UTF-16 code units.</param>
/// <param name="MaxDepth">How deep objects and arrays may nest; the envelope itself is the first level.</param>
internal sealed record EnvelopeLimits(int MaxNameLength, int MaxDepth);

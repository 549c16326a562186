using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using WsServer.Wire;

namespace WsServer.SocketIO.Wire;

/// <summary>Writes packets of Socket.IO 5, as Engine.IO messages.</summary>
internal static class PacketWriter
{
    // The digits and marks of a header beside its namespace.
    private const int MaxHeaderLength = 64;

    /// <summary>Writes a packet, with its attachments behind it; null when Socket.IO has no word for it.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="withRecovery">Whether what a client needs to come back is written. Packets have it for others in the room as well.</param>
    public static EncodedPacket? Write(in Packet packet, bool withRecovery)
    {
        bool hasAttachments = packet.Arguments.Attachments.Length > 0;
        PacketType type;
        switch (packet.Kind)
        {
            case PacketKind.Event:
                type = hasAttachments ? PacketType.BinaryEvent : PacketType.Event;
                break;
            case PacketKind.Ack when packet.Error?.Code == ErrorCodes.UnknownEvent:
                // Who has no listener for an event does not answer it; its sender's timeout tells.
                return null;
            case PacketKind.Ack:
                type = hasAttachments ? PacketType.BinaryAck : PacketType.Ack;
                break;
            case PacketKind.Connected:
                type = PacketType.Connect;
                break;
            case PacketKind.ConnectError:
                type = PacketType.ConnectError;
                break;
            case PacketKind.Disconnect when packet.Reason != DisconnectReason.ClientNamespaceDisconnect:
                type = PacketType.Disconnect;
                break;
            default:
                return null;
        }

        using JsonScratch scratch = JsonScratch.Rent();
        WriteHeader(scratch.Buffer, type, packet);
        WritePayload(scratch.Writer, packet, withRecovery);
        return EncodedPacket.Create(scratch.Finish(), isBinary: false, Chain(packet.Arguments.Attachments));
    }

    private static void WriteHeader(ArrayBufferWriter<byte> buffer, PacketType type, in Packet packet)
    {
        if (packet.Id.Text is not null)
        {
            throw new ArgumentException("An id of Socket.IO is an integer.", nameof(packet));
        }

        string ns = packet.Namespace ?? "/";
        Span<byte> header = buffer.GetSpan(MaxHeaderLength + Encoding.UTF8.GetMaxByteCount(ns.Length));
        header[0] = PacketHeader.Message;
        header[1] = (byte)('0' + (int)type);
        int length = 2;
        if (type is PacketType.BinaryEvent or PacketType.BinaryAck)
        {
            WriteNumber(header, ref length, packet.Arguments.Attachments.Length);
            header[length++] = (byte)'-';
        }

        if (ns != "/")
        {
            length += Encoding.UTF8.GetBytes(ns, header[length..]);
            header[length++] = (byte)',';
        }

        if (!packet.Id.IsNone)
        {
            WriteNumber(header, ref length, packet.Id.Number);
        }

        buffer.Advance(length);
    }

    private static void WriteNumber(Span<byte> header, ref int length, long number)
    {
        number.TryFormat(header[length..], out int written, provider: CultureInfo.InvariantCulture);
        length += written;
    }

    private static void WritePayload(Utf8JsonWriter writer, in Packet packet, bool withRecovery)
    {
        switch (packet.Kind)
        {
            case PacketKind.Event:
                writer.WriteStartArray();
                writer.WriteStringValue(packet.Event);
                WriteArguments(writer, packet.Arguments);
                WriteSeq(writer, withRecovery ? packet.Seq : 0);
                writer.WriteEndArray();
                break;
            case PacketKind.Ack:
                writer.WriteStartArray();
                WriteArguments(writer, packet.Arguments);
                WriteError(writer, packet.Error);
                writer.WriteEndArray();
                break;
            case PacketKind.Connected:
                writer.WriteStartObject();
                writer.WriteString("sid"u8, packet.Sid);
                if (withRecovery && packet.Session is { } session)
                {
                    writer.WriteString("pid"u8, session);
                }

                writer.WriteEndObject();
                break;
            case PacketKind.ConnectError:
                WriteConnectError(writer, packet.Error!);
                break;
        }
    }

    private static void WriteArguments(Utf8JsonWriter writer, JsonArguments arguments)
    {
        if (arguments.Count > 0)
        {
            // Several are an array, whose elements become elements of the packet's.
            ReadOnlySpan<byte> json = arguments.Utf8.Span;
            writer.WriteRawValue(arguments.Count == 1 ? json : json[1..^1], skipInputValidation: true);
        }
    }

    private static void WriteSeq(Utf8JsonWriter writer, long seq)
    {
        if (seq != 0)
        {
            Span<byte> digits = stackalloc byte[20];
            seq.TryFormat(digits, out int length, provider: CultureInfo.InvariantCulture);
            writer.WriteStringValue(digits[..length]);
        }
    }

    // Socket.IO has no acks of failure: an error is the one argument, and told by its name.
    private static void WriteError(Utf8JsonWriter writer, EventError? error)
    {
        if (error is not null)
        {
            writer.WriteStartObject();
            writer.WritePropertyName("error"u8);
            error.WriteTo(writer);
            writer.WriteEndObject();
        }
    }

    private static void WriteConnectError(Utf8JsonWriter writer, EventError error)
    {
        writer.WriteStartObject();
        if (error.Code == ErrorCodes.UnknownNamespace)
        {
            writer.WriteString("message"u8, "Invalid namespace"u8);
        }
        else
        {
            writer.WriteString("message"u8, error.Message);
            writer.WritePropertyName("data"u8);
            if (error.Details is { Count: > 0 } details)
            {
                details.WriteTo(writer);
            }
            else
            {
                writer.WriteStartObject();
                writer.WriteString("code"u8, error.Code);
                writer.WriteEndObject();
            }
        }

        writer.WriteEndObject();
    }

    private static EncodedPacket? Chain(ReadOnlySpan<ReadOnlyMemory<byte>> attachments)
    {
        EncodedPacket? first = null;
        for (int i = attachments.Length - 1; i >= 0; i--)
        {
            first = EncodedPacket.Create(attachments[i].Span, isBinary: true, first);
        }

        return first;
    }
}

using System.Buffers.Text;
using System.IO.Pipelines;
using System.Text.Unicode;
using WsServer.Wire;

namespace WsServer.SocketIO.Engine;

/// <summary>The bodies of polling requests: packets with a separator between them, binary ones as base64.</summary>
internal static class PollingPayload
{
    /// <summary>Stands between two packets. JSON never has it, as it escapes control characters.</summary>
    public const byte Separator = 0x1e;

    /// <summary>Whether a client may send such a body. A ping is the server's to send; a probe comes over a WebSocket only.</summary>
    public static bool IsValid(ReadOnlySpan<byte> body)
    {
        if (!Utf8.IsValid(body))
        {
            return false;
        }

        foreach (Range range in body.Split(Separator))
        {
            ReadOnlySpan<byte> packet = body[range];
            bool isValid = packet.Length > 0
                && (packet[0] == EnginePacketType.Binary ? Base64.IsValid(packet[1..]) : packet[0] is >= EnginePacketType.Open and <= EnginePacketType.Noop and not EnginePacketType.Ping);
            if (!isValid)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>How long the body of these packets is.</summary>
    public static long LengthOf(IReadOnlyList<EncodedPacket> packets)
    {
        long length = packets.Count - 1;
        foreach (EncodedPacket packet in packets)
        {
            length += packet.IsBinary ? 1 + Base64.GetMaxEncodedToUtf8Length(packet.Payload.Length) : packet.Payload.Length;
        }

        return length;
    }

    /// <summary>Writes the body of these packets.</summary>
    public static void Write(IReadOnlyList<EncodedPacket> packets, PipeWriter output)
    {
        for (int i = 0; i < packets.Count; i++)
        {
            ReadOnlySpan<byte> payload = packets[i].Payload.Span;
            Span<byte> room = output.GetSpan(2 + Base64.GetMaxEncodedToUtf8Length(payload.Length));
            int written = 0;
            if (i > 0)
            {
                room[written++] = Separator;
            }

            if (packets[i].IsBinary)
            {
                room[written++] = EnginePacketType.Binary;
                Base64.EncodeToUtf8(payload, room[written..], out _, out int encoded);
                written += encoded;
            }
            else
            {
                payload.CopyTo(room[written..]);
                written += payload.Length;
            }

            output.Advance(written);
        }
    }
}

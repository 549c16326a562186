using System.Text.Json;
using WsServer.Soak.Wire;

namespace WsServer.Soak.Actors;

/// <summary>What came from the server, in either protocol.</summary>
internal enum NewsKind
{
    Other,
    Connected,
    Event,
    Ack,
    Refused,
    Pong,
    EnginePing,
}

/// <summary>One message of the server, read.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">The event's name.</param>
/// <param name="Id">The id of an ack, or of an event that wants one.</param>
/// <param name="Data">Its first argument.</param>
/// <param name="Whole">The envelope.</param>
internal readonly record struct News(NewsKind Kind, string? Name = null, long? Id = null, JsonElement Data = default, JsonElement Whole = default)
{
    /// <summary>Reads an envelope of docs/protocol.md.</summary>
    public static News OfEnvelope(WireMessage message)
    {
        JsonElement envelope = JsonElement.Parse(message.Payload.Span);
        JsonElement data = envelope.TryGetProperty("data", out JsonElement one) ? one : default;
        long? id = envelope.TryGetProperty("id", out JsonElement number) ? number.GetInt64() : null;
        if (envelope.TryGetProperty("event", out JsonElement name))
        {
            return new News(NewsKind.Event, name.GetString(), id, data, envelope);
        }

        if (envelope.TryGetProperty("ack", out JsonElement ack))
        {
            return new News(envelope.TryGetProperty("error", out _) ? NewsKind.Refused : NewsKind.Ack, null, ack.GetInt64(), data, envelope);
        }

        return envelope.TryGetProperty("connected", out _) ? new News(NewsKind.Connected, Whole: envelope)
            : envelope.TryGetProperty("pong", out _) ? new News(NewsKind.Pong, Whole: envelope)
            : new News(NewsKind.Other, Whole: envelope);
    }

    /// <summary>Reads a packet of Engine.IO with one of Socket.IO in it, for the namespace <c>/chat</c>.</summary>
    public static News OfPacket(string packet)
    {
        if (packet == "2")
        {
            return new News(NewsKind.EnginePing);
        }

        int start = packet.AsSpan().IndexOfAny('[', '{');
        if (start < 0 || !packet.StartsWith('4'))
        {
            return default;
        }

        JsonElement json = JsonElement.Parse(packet[start..]);
        int comma = packet.IndexOf(',', StringComparison.Ordinal);
        long? id = comma >= 0 && comma + 1 < start ? long.Parse(packet[(comma + 1)..start], System.Globalization.CultureInfo.InvariantCulture) : null;
        return packet[1] switch
        {
            '0' => new News(NewsKind.Connected, Whole: json),
            '2' => new News(NewsKind.Event, json[0].GetString(), id, json.GetArrayLength() > 1 ? json[1] : default, json),
            '3' => new News(NewsKind.Ack, null, id, json.GetArrayLength() > 0 ? json[0] : default, json),
            _ => new News(NewsKind.Refused, null, id, default, json),
        };
    }
}

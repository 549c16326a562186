using System.Text;
using System.Text.Json;
using FluentAssertions;
using WsServer.Wire;

namespace WsServer.Tests.Wire;

/// <summary>The codec under test, with short names for what the tests do with it.</summary>
internal static class Codec
{
    public static readonly JsonPacketCodec Json = new(new EnvelopeLimits(MaxNameLength: 256, MaxDepth: 64), new NameTable());

    public static readonly EventSerializer Serializer = new(JsonSerializerOptions.Web);

    public static string Encode(Packet packet, string home = "/")
    {
        EncodedPacket encoded = Json.Encode(packet, home);
        return encoded.IsBinary ? throw new InvalidOperationException("The message is binary.") : Encoding.UTF8.GetString(encoded.Payload.Span);
    }

    public static byte[] Binary(string envelope, params byte[] attachments) => [.. Encoding.UTF8.GetBytes(envelope), 0, .. attachments];

    /// <summary>What a valid message says.</summary>
    public static Packet Decode(string text) => Decode(Encoding.UTF8.GetBytes(text), isBinary: false);

    public static Packet Decode(byte[] message, bool isBinary, JsonPacketCodec? codec = null) =>
        (codec ?? Json).TryDecode(message, isBinary, out Packet packet, out Packet answer)
            ? packet
            : throw new InvalidOperationException($"Refused: {Encode(answer)}");

    /// <summary>The answer to an invalid message, as the client of <c>/</c> reads it.</summary>
    public static JsonElement Refuse(string text) => Refuse(Encoding.UTF8.GetBytes(text), isBinary: false);

    public static JsonElement Refuse(byte[] message, bool isBinary, JsonPacketCodec? codec = null) =>
        (codec ?? Json).TryDecode(message, isBinary, out Packet packet, out Packet answer)
            ? throw new InvalidOperationException($"Taken as {packet}.")
            : JsonElement.Parse(Encode(answer));

    /// <summary>How an answer is tied and which code it has, as <c>ack 1 /ns invalid_envelope</c>.</summary>
    public static string Summary(this JsonElement answer)
    {
        string code = answer.GetProperty("error").GetProperty("code").GetString()!;
        answer.GetProperty("error").GetProperty("message").GetString().Should().NotBeNullOrWhiteSpace().And.EndWith(".");
        if (answer.TryGetProperty("ack", out JsonElement id))
        {
            return $"ack {id.GetRawText()} {(answer.TryGetProperty("ns", out JsonElement ns) ? ns.GetString() + " " : "")}{code}";
        }

        return answer.TryGetProperty("connect_error", out JsonElement name) ? $"connect_error {name.GetString()} {code}" : code;
    }

    public static string Text(this JsonArguments arguments) => arguments.ToString();
}

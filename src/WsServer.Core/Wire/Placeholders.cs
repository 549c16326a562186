using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;

namespace WsServer.Wire;

/// <summary>The object <c>{"_placeholder":true,"num":i}</c> that stands for a binary attachment (<c>docs/protocol.md</c>, section 5).</summary>
internal static class Placeholders
{
    private static readonly JsonReaderOptions AnyDepth = new() { MaxDepth = int.MaxValue };

    public static void Write(Utf8JsonWriter writer, int number)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("_placeholder"u8, true);
        writer.WriteNumber("num"u8, number);
        writer.WriteEndObject();
    }

    /// <summary>At the start of an object: whether it is a placeholder, and then the reader stands at its end.</summary>
    public static bool TryRead(ref Utf8JsonReader reader, out int number)
    {
        Utf8JsonReader probe = reader;
        bool isMarked = false;
        int? found = null;
        number = 0;
        while (probe.Read() && probe.TokenType == JsonTokenType.PropertyName)
        {
            if (probe.ValueTextEquals("_placeholder"u8))
            {
                // Anything else is an object like any other, which may have a placeholder within.
                isMarked = probe.Read() && probe.TokenType == JsonTokenType.True;
                if (!isMarked)
                {
                    return false;
                }
            }
            else if (probe.ValueTextEquals("num"u8) && probe.Read() && probe.TokenType == JsonTokenType.Number && probe.TryGetInt32(out int value))
            {
                found = value;
            }
            else
            {
                return false;
            }
        }

        if (!isMarked || found is null || probe.TokenType != JsonTokenType.EndObject)
        {
            return false;
        }

        number = found.Value;
        reader = probe;
        return true;
    }

    /// <summary>Reads the member <c>bin</c>; false when it is no array of lengths.</summary>
    /// <param name="json">The member's value.</param>
    /// <param name="count">How many elements it has, if it is an array.</param>
    /// <param name="lengths">How long the attachments are.</param>
    public static bool TryReadLengths(ReadOnlySpan<byte> json, int count, out int[] lengths)
    {
        lengths = [];
        if (json[0] != (byte)'[')
        {
            return false;
        }

        var reader = new Utf8JsonReader(json);
        reader.Read();
        lengths = new int[count];
        for (int i = 0; i < count; i++)
        {
            reader.Read();
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out lengths[i]) || lengths[i] < 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Cuts the bytes behind an envelope into attachments; false when the lengths do not add up to them.</summary>
    public static bool TrySplit(ReadOnlyMemory<byte> bytes, int[] lengths, out ReadOnlyMemory<byte>[] parts)
    {
        parts = new ReadOnlyMemory<byte>[lengths.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (lengths[i] > bytes.Length)
            {
                return false;
            }

            parts[i] = bytes[..lengths[i]];
            bytes = bytes[lengths[i]..];
        }

        return bytes.IsEmpty;
    }

    /// <summary>Whether each of the attachments stands in the JSON exactly once, and no other does.</summary>
    public static bool AreComplete(ReadOnlySpan<byte> json, int attachments)
    {
        var seen = new bool[attachments];
        int count = 0;
        var reader = new Utf8JsonReader(json, AnyDepth);
        while (!json.IsEmpty && reader.Read())
        {
            if (reader.TokenType == JsonTokenType.StartObject && TryRead(ref reader, out int number))
            {
                if ((uint)number >= (uint)attachments || seen[number])
                {
                    return false;
                }

                seen[number] = true;
                count++;
            }
        }

        return count == attachments;
    }

    /// <summary>A part of arguments as arguments of its own: with the attachments that stand in it, numbered anew.</summary>
    public static JsonArguments Part(ReadOnlyMemory<byte> json, ReadOnlyMemory<byte>[] attachments)
    {
        var parts = new List<ReadOnlyMemory<byte>>();
        var result = new ArrayBufferWriter<byte>(json.Length);
        var reader = new Utf8JsonReader(json.Span, AnyDepth);
        int copied = 0;
        while (reader.Read())
        {
            int start = (int)reader.TokenStartIndex;
            if (reader.TokenType != JsonTokenType.StartObject || !TryRead(ref reader, out int number) || (uint)number >= (uint)attachments.Length)
            {
                continue;
            }

            result.Write(json.Span[copied..start]);
            using (var writer = new Utf8JsonWriter(result))
            {
                Write(writer, parts.Count);
            }

            parts.Add(attachments[number]);
            copied = (int)reader.BytesConsumed;
        }

        return parts.Count == 0 ? new JsonArguments(json, 1) : new JsonArguments((byte[])[.. result.WrittenSpan, .. json.Span[copied..]], 1, [.. parts]);
    }

    /// <summary>The arguments' JSON with base64 strings in the place of attachments, for clients without binary.</summary>
    public static byte[] ToBase64(JsonArguments arguments)
    {
        ReadOnlySpan<byte> json = arguments.Utf8.Span;
        var result = new ArrayBufferWriter<byte>(json.Length);
        var reader = new Utf8JsonReader(json, AnyDepth);
        int copied = 0;
        while (reader.Read())
        {
            int start = (int)reader.TokenStartIndex;
            if (reader.TokenType != JsonTokenType.StartObject || !TryRead(ref reader, out int number) || (uint)number >= (uint)arguments.Attachments.Length)
            {
                continue;
            }

            ReadOnlySpan<byte> bytes = arguments.Attachments[number].Span;
            result.Write(json[copied..start]);
            result.Write("\""u8);
            Base64.EncodeToUtf8(bytes, result.GetSpan(Base64.GetMaxEncodedToUtf8Length(bytes.Length)), out _, out int written);
            result.Advance(written);
            result.Write("\""u8);
            copied = (int)reader.BytesConsumed;
        }

        result.Write(json[copied..]);
        return result.WrittenSpan.ToArray();
    }
}

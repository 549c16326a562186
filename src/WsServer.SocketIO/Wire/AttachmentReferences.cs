using System.Text.Json;

namespace WsServer.SocketIO.Wire;

/// <summary>The objects <c>{"_placeholder":true,"num":i}</c> in a packet's JSON.</summary>
internal static class AttachmentReferences
{
    /// <summary>Whether each of them stands for an attachment that there is. The JSON is valid.</summary>
    public static bool AreInRange(ReadOnlySpan<byte> json, int maxDepth, int attachments)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = maxDepth });
        reader.Read();
        return PassValue(ref reader, attachments);
    }

    // As deep as the JSON, which the options limit.
    private static bool PassValue(ref Utf8JsonReader reader, int attachments)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return PassObject(ref reader, attachments);
            case JsonTokenType.StartArray:
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    if (!PassValue(ref reader, attachments))
                    {
                        return false;
                    }
                }

                return true;
            default:
                return true;
        }
    }

    // Of members with the same name the last counts, as it does for JavaScript.
    private static bool PassObject(ref Utf8JsonReader reader, int attachments)
    {
        bool isPlaceholder = false;
        int number = -1;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isMark = reader.ValueTextEquals("_placeholder"u8);
            bool isNumber = reader.ValueTextEquals("num"u8);
            reader.Read();
            if (isMark)
            {
                isPlaceholder = reader.TokenType == JsonTokenType.True;
            }
            else if (isNumber && (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out number)))
            {
                number = -1;
            }

            if (!PassValue(ref reader, attachments))
            {
                return false;
            }
        }

        return !isPlaceholder || (uint)number < (uint)attachments;
    }
}

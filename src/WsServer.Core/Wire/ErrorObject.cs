using System.Text.Json;
using System.Text.Json.Nodes;

namespace WsServer.Wire;

/// <summary>The member <c>error</c> of an envelope (<c>docs/protocol.md</c>, section 4): an error with its details beside code and message.</summary>
internal static class ErrorObject
{
    /// <summary>Reads the one of an ack, where a client may leave out what it likes. Only failures have it: too rare for a reader of its own.</summary>
    /// <exception cref="JsonException">A member is given twice.</exception>
    /// <exception cref="InvalidOperationException">A string is no text: an escape like <c>"\ud800"</c>.</exception>
    public static EventError Read(ReadOnlySpan<byte> json)
    {
        var anyDepth = new JsonDocumentOptions { MaxDepth = int.MaxValue, AllowDuplicateProperties = false };
        JsonObject members = JsonNode.Parse(json, documentOptions: anyDepth)!.AsObject();
        string code = Take(members, "code") ?? "error";
        string message = Take(members, "message") ?? code;

        // Written once here, so that a string which is no text fails now and not where the error is passed on.
        return new EventError(code, message, members.Count > 0 ? JsonNode.Parse(members.ToJsonString(), documentOptions: anyDepth)!.AsObject() : null);
    }

    public static void Write(Utf8JsonWriter writer, EventError? error)
    {
        if (error is null)
        {
            return;
        }

        writer.WriteStartObject("error"u8);
        writer.WriteString("code"u8, error.Code);
        writer.WriteString("message"u8, error.Message);
        foreach ((string name, JsonNode? value) in error.Details ?? [])
        {
            if (name is "code" or "message")
            {
                continue;
            }

            writer.WritePropertyName(name);
            if (value is null)
            {
                writer.WriteNullValue();
            }
            else
            {
                value.WriteTo(writer);
            }
        }

        writer.WriteEndObject();
    }

    private static string? Take(JsonObject members, string name)
    {
        string? text = members[name] is JsonValue value && value.TryGetValue(out string? found) ? found : null;
        members.Remove(name);
        return text;
    }
}

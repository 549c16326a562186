using System.Collections.Concurrent;
using System.Security.Claims;
using System.Text;
using System.Text.Json;

namespace WsServer.Recovery;

/// <summary>What a program has kept with a socket, in a form that outlives the process, as far as there is one.</summary>
internal static class KeptItems
{
    /// <summary>The items with a string for a key and a string, boolean, number or JSON for a value.</summary>
    public static Dictionary<string, JsonElement> Save(ConcurrentDictionary<object, object?>? items)
    {
        var saved = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach ((object key, object? value) in items ?? [])
        {
            if (key is string name && TryToJson(value) is { } json)
            {
                saved[name] = json;
            }
        }

        return saved;
    }

    public static ConcurrentDictionary<object, object?>? Restore(IReadOnlyDictionary<string, JsonElement> saved) =>
        saved.Count == 0 ? null : new(saved.Select(s => KeyValuePair.Create<object, object?>(s.Key, FromJson(s.Value))));

    public static byte[]? Save(ClaimsPrincipal? user)
    {
        if (user is null)
        {
            return null;
        }

        var bytes = new MemoryStream();
        using (var writer = new BinaryWriter(bytes, Encoding.UTF8))
        {
            user.WriteTo(writer);
        }

        return bytes.ToArray();
    }

    public static ClaimsPrincipal? Restore(byte[]? user)
    {
        if (user is null)
        {
            return null;
        }

        using var reader = new BinaryReader(new MemoryStream(user), Encoding.UTF8);
        return new ClaimsPrincipal(reader);
    }

    private static JsonElement? TryToJson(object? value)
    {
        try
        {
            return ToJson(value);
        }
        catch (ObjectDisposedException)
        {
            // JSON whose document the program has disposed: nobody could read it any more, either.
            return null;
        }
    }

    private static JsonElement? ToJson(object? value) => value switch
    {
        string text => JsonSerializer.SerializeToElement(text, KeptItemsContext.Default.String),
        bool flag => JsonSerializer.SerializeToElement(flag, KeptItemsContext.Default.Boolean),
        int number => JsonSerializer.SerializeToElement(number, KeptItemsContext.Default.Int64),
        long number => JsonSerializer.SerializeToElement(number, KeptItemsContext.Default.Int64),
        double number when double.IsFinite(number) => JsonSerializer.SerializeToElement(number, KeptItemsContext.Default.Double),
        JsonElement { ValueKind: not JsonValueKind.Undefined } json => json.Clone(),
        _ => null,
    };

    // A number that was an int, a long or a double: the first that it fits, as whoever kept an int casts to int.
    private static object? FromJson(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => json.GetString(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number => json.TryGetInt32(out int small) ? small : json.TryGetInt64(out long large) ? large : json.GetDouble(),
        _ => json,
    };
}

[System.Text.Json.Serialization.JsonSerializable(typeof(string))]
[System.Text.Json.Serialization.JsonSerializable(typeof(bool))]
[System.Text.Json.Serialization.JsonSerializable(typeof(long))]
[System.Text.Json.Serialization.JsonSerializable(typeof(double))]
internal sealed partial class KeptItemsContext : System.Text.Json.Serialization.JsonSerializerContext;

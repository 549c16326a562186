using System.Text.Json;
using System.Text.Json.Nodes;

namespace WsServer.Wire;

/// <summary>What a message is answered with that is no envelope, or not a right one.</summary>
internal static class EnvelopeErrors
{
    /// <summary>An error of the envelope, and the member that it is about.</summary>
    public static EventError Invalid(string message, string? path = null) =>
        new(ErrorCodes.InvalidEnvelope, message, path is null ? null : new() { ["path"] = path });

    public static EventError NameTooLong(Member member, int limit, int actual)
    {
        var details = new JsonObject { ["path"] = member.Name(), ["limit"] = limit, ["actual"] = actual };
        return new(ErrorCodes.InvalidEnvelope, $"'{member.Name()}' is longer than {limit} characters.", details);
    }

    public static EventError TooDeep(int limit) =>
        new(ErrorCodes.InvalidEnvelope, $"The JSON nests deeper than {limit} levels.", new() { ["limit"] = limit });

    public static EventError NotUtf8() => new(ErrorCodes.InvalidJson, "The text is not valid UTF-8.");

    public static EventError NotJson(ReadOnlySpan<byte> json, JsonException exception) =>
        new(ErrorCodes.InvalidJson, "The text is not JSON.", new() { ["position"] = Position(json, exception) });

    public static EventError NoCharacter(long position) =>
        new(ErrorCodes.InvalidJson, "A string has an escape that is no character.", new() { ["position"] = position });

    // The exception counts lines, the answer bytes from the start.
    private static long Position(ReadOnlySpan<byte> json, JsonException exception)
    {
        long start = 0;
        for (long line = exception.LineNumber ?? 0; line > 0; line--)
        {
            start += json[(int)start..].IndexOf((byte)'\n') + 1;
        }

        return start + (exception.BytePositionInLine ?? 0);
    }
}

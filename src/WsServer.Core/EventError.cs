using System.Text.Json;
using System.Text.Json.Nodes;

namespace WsServer;

/// <summary>An error as it travels: <c>{"code":"snake_case","message":"one sentence for a person", …}</c>.</summary>
/// <param name="Code">A word in snake case for programs, for example <c>room_full</c>.</param>
/// <param name="Message">One sentence for a person.</param>
/// <param name="Details">Further members beside code and message, for example <c>limit</c> or <c>path</c>. Not to be changed once sent.</param>
public sealed record EventError(string Code, string Message, JsonObject? Details = null)
{
    /// <summary>Writes it as it travels.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartObject();
        writer.WriteString("code"u8, Code);
        writer.WriteString("message"u8, Message);
        foreach ((string name, JsonNode? value) in Details ?? [])
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
}

/// <summary>The codes that the server itself sends (<c>docs/protocol.md</c>, section 4).</summary>
public static class ErrorCodes
{
    /// <summary>The text is not JSON.</summary>
    public const string InvalidJson = "invalid_json";

    /// <summary>JSON, but no envelope.</summary>
    public const string InvalidEnvelope = "invalid_envelope";

    /// <summary>An event with an id that has no handler.</summary>
    public const string UnknownEvent = "unknown_event";

    /// <summary>No namespace has this name.</summary>
    public const string UnknownNamespace = "unknown_namespace";

    /// <summary>The connection has not joined this namespace.</summary>
    public const string NotConnected = "not_connected";

    /// <summary>The connection has joined this namespace already.</summary>
    public const string AlreadyConnected = "already_connected";

    /// <summary>The connection is in as many namespaces as it may join.</summary>
    public const string TooManyNamespaces = "too_many_namespaces";

    /// <summary>The data does not fit the handler's type.</summary>
    public const string InvalidData = "invalid_data";

    /// <summary>Middleware wants to know who is asking.</summary>
    public const string Unauthorized = "unauthorized";

    /// <summary>Middleware said no.</summary>
    public const string Forbidden = "forbidden";

    /// <summary>A message is over <see cref="EventServerOptions.MaxMessageBytes"/>.</summary>
    public const string TooLarge = "too_large";

    /// <summary>The connection's error budget is spent.</summary>
    public const string TooManyErrors = "too_many_errors";

    /// <summary>As many acks are pending for the socket as may be.</summary>
    public const string TooManyPendingAcks = "too_many_pending_acks";

    /// <summary>The client sends more than it may, or its user or its address does.</summary>
    public const string RateLimited = "rate_limited";

    /// <summary>The socket is in as many rooms as it may be.</summary>
    public const string TooManyRooms = "too_many_rooms";

    /// <summary>The name of a room is over <see cref="EventServerOptions.MaxRoomNameLength"/>.</summary>
    public const string RoomNameTooLong = "room_name_too_long";

    /// <summary>The presence metadata of a socket is over <see cref="PresenceOptions.MaxMetadataBytes"/>.</summary>
    public const string PresenceTooLarge = "presence_too_large";

    /// <summary>The client does not read and its outbox is full.</summary>
    public const string SlowConsumer = "slow_consumer";

    /// <summary>A handler threw.</summary>
    public const string InternalError = "internal_error";

    /// <summary>The server gave up waiting.</summary>
    public const string Timeout = "timeout";

    /// <summary>The server stops.</summary>
    public const string ShuttingDown = "shutting_down";
}

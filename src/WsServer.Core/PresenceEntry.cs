using System.Text.Json;

namespace WsServer;

/// <summary>A socket that is somewhere, on whichever node. Immutable, and safe to keep.</summary>
public sealed class PresenceEntry
{
    private readonly EventSerializer _serializer;
    private readonly byte[]? _metadata;
    private object? _json;

    internal PresenceEntry(EventSerializer serializer, string sid, string node, long joinedAt, byte[]? metadata)
    {
        _serializer = serializer;
        _metadata = metadata;
        Sid = sid;
        Node = node;
        JoinedAt = new DateTimeOffset(joinedAt, TimeSpan.Zero);
    }

    /// <summary>The socket's id.</summary>
    public string Sid { get; }

    /// <summary>The id of the node that it is on, as in <see cref="EventServer.Nodes"/>; empty for a server that is alone.</summary>
    public string Node { get; }

    /// <summary>
    /// Since when it is in the room, by the clock of its node; of several rooms since the first. Since when it is in the
    /// namespace, where no rooms were asked for.
    /// </summary>
    public DateTimeOffset JoinedAt { get; }

    /// <summary>What was set with <see cref="EventSocket.SetPresenceAsync{T}(T)"/>; null when there is none.</summary>
    public JsonElement? Metadata => _metadata is null ? null : (JsonElement)(_json ??= Parse(_metadata));

    /// <summary>The metadata as a value; the type's default when there is none.</summary>
    /// <exception cref="EventException"><c>invalid_data</c>: it does not fit the type.</exception>
    public T? Get<T>() => _metadata is null ? default : _serializer.Read<T>(JsonArguments.FromUtf8(_metadata, 1));

    private static JsonElement Parse(byte[] metadata)
    {
        var reader = new Utf8JsonReader(metadata, new JsonReaderOptions { MaxDepth = int.MaxValue });
        return JsonElement.ParseValue(ref reader);
    }
}

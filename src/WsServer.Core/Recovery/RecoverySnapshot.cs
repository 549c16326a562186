using System.Text.Json;
using System.Text.Json.Serialization;

namespace WsServer.Recovery;

/// <summary>What a server that stops leaves to the one that follows it, as it stands in the file.</summary>
/// <param name="Version">The form of the file.</param>
/// <param name="SavedAt">When it was written; ages are as of then.</param>
/// <param name="Namespaces">Those to which somebody can come back.</param>
internal sealed record RecoverySnapshot(int Version, DateTimeOffset SavedAt, IReadOnlyList<NamespaceSnapshot> Namespaces)
{
    public const int CurrentVersion = 1;
}

/// <summary>One namespace: its log, and the sockets that were cut off.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Position">Where the log stands.</param>
/// <param name="Events">What is in it.</param>
/// <param name="Sockets">Those that were cut off.</param>
/// <param name="Floor">Behind which number nothing is missing; null when that is the one before the first.</param>
internal sealed record NamespaceSnapshot(
    string Name, long Position, IReadOnlyList<LoggedEvent> Events, IReadOnlyList<SocketSnapshot> Sockets, long? Floor = null);

/// <summary>One event of a log.</summary>
internal sealed record LoggedEvent(
    long Seq, TimeSpan Age, string Event, byte[] Arguments, int Count, byte[][] Attachments, string[] Rooms, string[] Except, string? Sid)
{
    /// <summary>Where it was emitted: of use only while other nodes are there who know.</summary>
    [JsonIgnore]
    public Origin Origin { get; init; }
}

/// <summary>One socket. Of its items, those with a string for a key and a value that JSON has a form for.</summary>
internal sealed record SocketSnapshot(
    string Session,
    string Sid,
    string? Identity,
    IReadOnlyDictionary<string, long> Rooms,
    long Since,
    long LastSeq,
    long Position,
    TimeSpan Age,
    IReadOnlyDictionary<string, JsonElement> Items,
    byte[]? User,
    byte[]? Presence = null);

// By metadata: the other way makes an empty string of bytes that are null.
[JsonSerializable(typeof(RecoverySnapshot))]
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
internal sealed partial class RecoverySnapshotContext : JsonSerializerContext;

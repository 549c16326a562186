namespace WsServer;

// What the socket shows of itself where it is.
public sealed partial class EventSocket
{
    private volatile byte[]? _presenceMetadata;

    internal byte[]? PresenceMetadata => _presenceMetadata;

    /// <summary>
    /// Sets what <see cref="Broadcast.PresenceAsync"/> and <see cref="EventNamespace.OnPresence(Action{PresenceChange})"/> tell
    /// of this socket, in all rooms that it is in. It stays until it is set again, also for a client that comes back.
    /// </summary>
    /// <typeparam name="T">What it is.</typeparam>
    /// <param name="metadata">The metadata, which becomes JSON before the call returns; null for none.</param>
    /// <returns>Completes when this node has it; others have it soon after.</returns>
    /// <exception cref="EventException"><c>presence_too_large</c>: as JSON it is over <see cref="PresenceOptions.MaxMetadataBytes"/>; nothing has changed.</exception>
    public Task SetPresenceAsync<T>(T metadata)
    {
        byte[] json = Serializer.WriteText(metadata);
        int limit = Namespace.Runtime.Options.Presence.MaxMetadataBytes;
        if (json.Length > limit)
        {
            throw new EventException(
                ErrorCodes.PresenceTooLarge, $"Presence metadata has at most {limit} bytes.", new() { ["limit"] = limit, ["actual"] = json.Length });
        }

        _presenceMetadata = json.AsSpan().SequenceEqual("null"u8) ? null : json;
        Namespace.Presence?.Note(Id);
        return Task.CompletedTask;
    }
}

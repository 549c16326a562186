namespace WsServer;

/// <summary>Who is where, and what is told of it: section <c>Events:Presence</c> of the configuration.</summary>
public sealed class PresenceOptions
{
    /// <summary>How long the metadata of a socket may be as JSON, in bytes. Longer fails with <c>presence_too_large</c>. Default 4 KiB, at most 1 MiB.</summary>
    public int MaxMetadataBytes { get; set; } = 4 * 1024;

    /// <summary>
    /// How many changes of a namespace may wait for the handlers of <see cref="EventNamespace.OnPresence(Action{PresenceChange})"/>.
    /// Handlers that fall behind by more are told the difference when they have caught up, without what came and went between. Default 10,000.
    /// </summary>
    public int MaxQueuedChanges { get; set; } = 10_000;

    internal IEnumerable<string> FindErrors()
    {
        if (MaxMetadataBytes is < 1 or > 1024 * 1024)
        {
            yield return $"Events:Presence:{nameof(MaxMetadataBytes)} is {MaxMetadataBytes}; it must be from 1 to 1048576.";
        }

        if (MaxQueuedChanges < 1)
        {
            yield return $"Events:Presence:{nameof(MaxQueuedChanges)} is {MaxQueuedChanges}; it must be at least 1.";
        }
    }
}

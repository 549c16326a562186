namespace WsServer.Cluster;

/// <summary>Finds what is wrong with <see cref="ClusterOptions"/>.</summary>
internal static class ClusterOptionsValidator
{
    public static IEnumerable<string> FindErrors(ClusterOptions options)
    {
        foreach ((string name, TimeSpan value) in new[]
        {
            (nameof(options.HeartbeatInterval), options.HeartbeatInterval),
            (nameof(options.NodeTimeout), options.NodeTimeout),
            (nameof(options.RequestTimeout), options.RequestTimeout),
            (nameof(options.StartTimeout), options.StartTimeout),
        })
        {
            if (value <= TimeSpan.Zero || value.TotalMilliseconds > int.MaxValue)
            {
                yield return $"Events:Cluster:{name} is {value}; it must be more than zero and at most 24 days.";
            }
        }

        if (options.NodeTimeout <= options.HeartbeatInterval)
        {
            yield return $"Events:Cluster:{nameof(options.NodeTimeout)} is {options.NodeTimeout}; it must be more than {nameof(options.HeartbeatInterval)}.";
        }

        if (options.MaxQueuedBytes < 1024)
        {
            yield return $"Events:Cluster:{nameof(options.MaxQueuedBytes)} is {options.MaxQueuedBytes}; it must be at least 1024.";
        }

        if (options.Shards is < 1 or > 65_536)
        {
            yield return $"Events:Cluster:{nameof(options.Shards)} is {options.Shards}; it must be from 1 to 65536.";
        }

        if (!Enum.IsDefined(options.WhenAway))
        {
            yield return $"Events:Cluster:{nameof(options.WhenAway)} is {options.WhenAway}; it must be Hold or Drop.";
        }
    }
}

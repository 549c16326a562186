using System.Text.Json;
using WsServer.Diagnostics;

namespace WsServer.Recovery;

/// <summary>
/// Brings what clients can come back to over a restart: written when the server has stopped, read and removed when it
/// starts. A crash leaves nothing.
/// </summary>
/// <remarks>The file has the secrets of sessions and what was emitted: on Unix its owner alone may read it.</remarks>
internal sealed class RecoveryFile(string path, NamespaceTable namespaces, EventRuntime runtime)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes what there is. A failure is logged: it costs the clients their recovery, and nothing else.</summary>
    public async Task SaveAsync()
    {
        var saved = new List<NamespaceSnapshot>();
        foreach (IGrouping<EventNamespace, CutOffSocket> sockets in runtime.Recovery.CutOff.All().GroupBy(s => s.Namespace))
        {
            saved.Add(sockets.Key.Recovery.Save(sockets));
        }

        string temporary = path + ".new";
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None };
            if (!OperatingSystem.IsWindows())
            {
                File.Delete(temporary);
                options.UnixCreateMode = OwnerOnly;
            }

            var file = new FileStream(temporary, options);
            await using (file.ConfigureAwait(false))
            {
                var snapshot = new RecoverySnapshot(RecoverySnapshot.CurrentVersion, runtime.Time.GetUtcNow(), saved);
                await JsonSerializer.SerializeAsync(file, snapshot, RecoverySnapshotContext.Default.RecoverySnapshot).ConfigureAwait(false);
            }

            File.Move(temporary, path, overwrite: true);
            runtime.Logger.RecoverySaved(saved.Sum(n => n.Sockets.Count), path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            runtime.Logger.RecoverySaveFailed(exception, path);
        }
    }

    /// <summary>Takes up what the last server left, if there is anything, and removes the file. Before the first client comes.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!File.Exists(path))
            {
                return;
            }

            byte[] content = await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false);

            // Whatever becomes of it: what was taken up must not be there a second time.
            File.Delete(path);
            RecoverySnapshot? snapshot = JsonSerializer.Deserialize(content, RecoverySnapshotContext.Default.RecoverySnapshot);
            if (snapshot is not { Version: RecoverySnapshot.CurrentVersion, Namespaces: not null })
            {
                throw new JsonException("It is of another version.");
            }

            Restore(snapshot);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException or ArgumentException)
        {
            runtime.Logger.RecoveryLoadFailed(exception, path);
        }
    }

    private void Restore(RecoverySnapshot snapshot)
    {
        TimeSpan away = runtime.Time.GetUtcNow() - snapshot.SavedAt;
        away = away < TimeSpan.Zero ? TimeSpan.Zero : away;
        int count = 0;
        foreach (NamespaceSnapshot saved in snapshot.Namespaces)
        {
            SocketSnapshot[] sockets = [.. saved.Sockets.Where(s => s.Age + away <= runtime.Options.RecoveryWindow)];
            var places = new List<EventNamespace>();
            foreach (SocketSnapshot _ in sockets)
            {
                // Each keeps a place in its namespace, which may be there for its sake only.
                if (TryAcquire(saved.Name) is { } ns)
                {
                    places.Add(ns);
                }
            }

            if (sockets.Length > 0 && places.Count == sockets.Length)
            {
                places[0].Recovery.Restore(saved with { Sockets = sockets }, away);
                count += sockets.Length;
            }
        }

        runtime.Logger.RecoveryLoaded(count, path);
    }

    private EventNamespace? TryAcquire(string name)
    {
        try
        {
            return namespaces.Acquire(name);
        }
        catch (Exception exception)
        {
            // A rule or its set-up is the program's.
            runtime.Logger.NamespaceFailed(exception, name);
            return null;
        }
    }
}

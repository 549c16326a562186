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
        string temporary = path + ".new";
        try
        {
            var saved = new List<NamespaceSnapshot>();
            foreach (IGrouping<EventNamespace, CutOffSocket> sockets in runtime.Recovery.CutOff.All().GroupBy(s => s.Namespace))
            {
                saved.Add(sockets.Key.Recovery.Save(sockets));
            }

            // Made anew, and by nobody else: what lay there might be another's, or lead elsewhere.
            File.Delete(temporary);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
            if (!OperatingSystem.IsWindows())
            {
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
        catch (Exception exception)
        {
            // Whatever it is, such as an item that cannot be written: the server is to stop all the same.
            runtime.Logger.RecoverySaveFailed(exception, path);
            TryDelete(temporary);
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

            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ~OwnerOnly) != 0)
            {
                throw new UnauthorizedAccessException("Others than its owner may read or write it, so it may be anybody's.");
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
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever it is, as the file may hold anything: the server is to start all the same.
            runtime.Logger.RecoveryLoadFailed(exception, path);
        }
    }

    // It may have secrets in it, as far as it was written.
    private void TryDelete(string file)
    {
        try
        {
            if (File.Exists(file))
            {
                File.Delete(file);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            runtime.Logger.RecoverySaveFailed(exception, file);
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

            if (places.Count == 0 || !TryRestore(places[0], saved with { Sockets = sockets[..places.Count] }, away))
            {
                places.ForEach(namespaces.Release);
                continue;
            }

            count += places.Count;
        }

        runtime.Logger.RecoveryLoaded(count, path);
    }

    private bool TryRestore(EventNamespace ns, NamespaceSnapshot saved, TimeSpan away)
    {
        try
        {
            ns.Recovery.Restore(saved, away);
            return true;
        }
        catch (Exception exception)
        {
            runtime.Logger.RecoveryLoadFailed(exception, path);
            return false;
        }
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

using RabbitMQ.Client;

namespace WsServer.RabbitMQ;

/// <summary>
/// Which channels a node is subscribed to, and how far its queue's bindings are behind. Kept over reconnects; safe for
/// concurrent use.
/// </summary>
/// <param name="settings">The names of the exchange and the queue.</param>
internal sealed class Bindings(BrokerSettings settings)
{
    private const int MaxUnanswered = 32;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _wanted = new(StringComparer.Ordinal);

    // What the broker may see otherwise than the node does.
    private HashSet<string> _changed = new(StringComparer.Ordinal);
    private TaskCompletionSource _next = NewSignal();
    private TaskCompletionSource? _current;
    private TaskCompletionSource _work = NewSignal();
    private bool _isAttached;

    /// <summary>Records what is wanted.</summary>
    /// <returns>Ends when the broker has it, or the connection is lost; at once without one.</returns>
    public Task SetAsync(string channel, bool isWanted)
    {
        lock (_gate)
        {
            bool isNews = isWanted ? _wanted.Add(channel) : _wanted.Remove(channel);
            if (isNews)
            {
                _changed.Add(channel);
            }

            if (!_isAttached)
            {
                return Task.CompletedTask;
            }

            if (isNews)
            {
                _work.TrySetResult();
            }

            // Without news, what was said of it before may still be on its way.
            return _changed.Contains(channel) ? _next.Task : _current?.Task ?? Task.CompletedTask;
        }
    }

    /// <summary>Brings a queue to where the node is, and keeps it from then on to <see cref="RunAsync"/>.</summary>
    /// <param name="channel">The channel to declare bindings on.</param>
    /// <param name="isNew">Whether the queue has no bindings.</param>
    /// <param name="stop">Gives up.</param>
    public async Task AttachAsync(IChannel channel, bool isNew, CancellationToken stop)
    {
        lock (_gate)
        {
            // A binding that is there is declared again: that costs little, and the broker need not be believed.
            _changed = isNew ? new HashSet<string>(StringComparer.Ordinal) : _changed;
            _changed.UnionWith(_wanted);
        }

        while (true)
        {
            HashSet<string> changes;
            lock (_gate)
            {
                if (_changed.Count == 0)
                {
                    (_work, _next, _current) = (NewSignal(), NewSignal(), null);
                    _isAttached = true;
                    return;
                }

                changes = TakeChanges();
            }

            await ApplyAsync(channel, changes, stop).ConfigureAwait(false);
        }
    }

    /// <summary>Passes on what changes, until the session ends.</summary>
    public async Task RunAsync(IChannel channel, CancellationToken stop)
    {
        while (true)
        {
            Task work;
            lock (_gate)
            {
                work = _work.Task;
            }

            await work.WaitAsync(stop).ConfigureAwait(false);
            HashSet<string> changes;
            TaskCompletionSource round;
            lock (_gate)
            {
                changes = TakeChanges();
                _current = round = _next;
                (_work, _next) = (NewSignal(), NewSignal());
            }

            try
            {
                await ApplyAsync(channel, changes, stop).ConfigureAwait(false);
            }
            finally
            {
                round.TrySetResult();
            }
        }
    }

    /// <summary>There is no connection: nobody waits for it.</summary>
    public void Detach()
    {
        lock (_gate)
        {
            _isAttached = false;
            _next.TrySetResult();
            _current?.TrySetResult();
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private HashSet<string> TakeChanges()
    {
        HashSet<string> changes = _changed;
        _changed = new HashSet<string>(StringComparer.Ordinal);
        return changes;
    }

    private async Task ApplyAsync(IChannel channel, HashSet<string> changes, CancellationToken stop)
    {
        try
        {
            List<string> wanted;
            lock (_gate)
            {
                wanted = [.. changes.Where(_wanted.Contains)];
            }

            // The broker does one after the other: its answer to one stands for all before it. A slow one is given time for each batch.
            for (int i = 1; i <= wanted.Count; i++)
            {
                bool isWaitedFor = i % MaxUnanswered == 0 || i == wanted.Count;
                await channel.QueueBindAsync(settings.Queue, settings.Exchange, wanted[i - 1], noWait: !isWaitedFor, cancellationToken: stop).ConfigureAwait(false);
            }

            foreach (string name in changes.Except(wanted))
            {
                await channel.QueueUnbindAsync(settings.Queue, settings.Exchange, name, cancellationToken: stop).ConfigureAwait(false);
            }
        }
        catch
        {
            lock (_gate)
            {
                _changed.UnionWith(changes);
            }

            throw;
        }
    }
}

using System.Threading.Channels;

namespace WsServer.Backplane;

/// <summary>What the nodes of one process have in common: see <see cref="LocalBackplane"/>. Safe for concurrent use.</summary>
public sealed class LocalExchange
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, HashSet<Queue>> _subscribers = new(StringComparer.Ordinal);

    internal void Publish(ReadOnlySpan<byte> message, IReadOnlyList<string> channels)
    {
        lock (_gate)
        {
            byte[]? copy = null;
            HashSet<Queue>? seen = null;
            foreach (string channel in channels)
            {
                foreach (Queue queue in _subscribers.GetValueOrDefault(channel) ?? [])
                {
                    if (channels.Count == 1 || (seen ??= []).Add(queue))
                    {
                        queue.Add(copy ??= message.ToArray());
                    }
                }
            }
        }
    }

    internal void Subscribe(Queue queue, string channel, bool isWanted)
    {
        lock (_gate)
        {
            if (isWanted)
            {
                (_subscribers.TryGetValue(channel, out HashSet<Queue>? queues) ? queues : _subscribers[channel] = []).Add(queue);
            }
            else if (_subscribers.TryGetValue(channel, out HashSet<Queue>? queues) && queues.Remove(queue) && queues.Count == 0)
            {
                _subscribers.Remove(channel);
            }
        }
    }

    internal ValueTask DetachAsync(Queue queue)
    {
        lock (_gate)
        {
            foreach (HashSet<Queue> queues in _subscribers.Values)
            {
                queues.Remove(queue);
            }
        }

        return queue.DisposeAsync();
    }

    /// <summary>What waits for one node: at most <see cref="Capacity"/> messages, those behind them are dropped.</summary>
    internal sealed class Queue : IAsyncDisposable
    {
        private const int Capacity = 100_000;

        private readonly Channel<byte[]> _messages = Channel.CreateBounded<byte[]>(
            new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });

        private readonly Task _running;

        public Queue(IBackplaneReceiver receiver) => _running = Task.Run(() => RunAsync(receiver));

        public void Add(byte[] message) => _messages.Writer.TryWrite(message);

        public async ValueTask DisposeAsync()
        {
            _messages.Writer.TryComplete();
            await _running.ConfigureAwait(false);
        }

        private async Task RunAsync(IBackplaneReceiver receiver)
        {
            receiver.Connected(isResumed: false);
            await foreach (byte[] message in _messages.Reader.ReadAllAsync().ConfigureAwait(false))
            {
                receiver.Received(message);
            }
        }
    }
}

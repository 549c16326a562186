using Microsoft.Extensions.Logging;
using WsServer.Backplane;
using WsServer.Diagnostics;

namespace WsServer.Cluster;

/// <summary>
/// Brings what waits to the backplane: several messages at a time are under way, and what has failed goes again, with all
/// that was behind it, when there is a connection. So order is kept, and repeats have numbers that were there before.
/// </summary>
internal sealed class Pump : IAsyncDisposable
{
    // What a broker confirms in one go; enough that a round trip is no brake.
    private const int MaxUnderWay = 64;

    // Records for the same channels share a message up to here.
    private const int MaxMessageBytes = 32 * 1024;

    // A message that fails though there is a connection would stop all others.
    private const int MaxAttempts = 5;

    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(100);

    private readonly string _node;
    private readonly IBackplane _backplane;
    private readonly OutgoingQueue _queue;
    private readonly EventMetrics _metrics;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Queue<Message> _underWay = new();
    private readonly Queue<Message> _again = new();
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private volatile bool _isConnected;
    private volatile bool _isClosing;

    public Pump(string node, IBackplane backplane, long maxBytes, EventMetrics metrics, ILogger logger, TimeProvider time)
    {
        _node = node;
        _backplane = backplane;
        _metrics = metrics;
        _logger = logger;
        _time = time;
        _queue = new OutgoingQueue(maxBytes, Wake);
        _running = Task.Run(RunAsync);
    }

    public OutgoingQueue Queue => _queue;

    public bool IsConnected
    {
        get => _isConnected;
        set
        {
            _isConnected = value;
            Wake();
        }
    }

    /// <summary>Sends what waits for as long as it is allowed, and ends.</summary>
    public async Task FlushAsync(TimeSpan timeout)
    {
        _queue.Close();
        _isClosing = true;
        Wake();
        await _running.WaitAsync(timeout, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async ValueTask DisposeAsync()
    {
        _isClosing = true;
        await _stopping.CancelAsync().ConfigureAwait(false);
        Wake();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
        _wake.Dispose();
    }

    private void Wake()
    {
        try
        {
            if (_wake.CurrentCount == 0)
            {
                _wake.Release();
            }
        }
        catch (Exception exception) when (exception is SemaphoreFullException or ObjectDisposedException)
        {
            // Woken by another at the same moment, or over.
            return;
        }
    }

    private async Task RunAsync()
    {
        Task wake = _wake.WaitAsync(_stopping.Token);
        while (!_stopping.IsCancellationRequested)
        {
            await ReapAsync().ConfigureAwait(false);
            if (TrySend())
            {
                continue;
            }

            if (_isClosing && _underWay.Count == 0 && _again.Count == 0 && _queue.IsEmpty)
            {
                return;
            }

            if (_underWay.TryPeek(out Message? oldest))
            {
                await Task.WhenAny(oldest.Publishing, wake).ConfigureAwait(false);
            }
            else
            {
                await wake.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (wake.IsCompleted)
            {
                wake = _wake.WaitAsync(_stopping.Token);
            }
        }
    }

    private bool TrySend()
    {
        if (!_isConnected || _underWay.Count >= MaxUnderWay)
        {
            return false;
        }

        if (!_again.TryDequeue(out Message? message))
        {
            var batch = new List<Outgoing>();
            _queue.Take(batch, MaxMessageBytes);
            if (batch.Count == 0)
            {
                return false;
            }

            message = new Message(_node, batch);
        }

        message.Publishing = PublishAsync(message);
        _underWay.Enqueue(message);
        return true;
    }

    private async Task PublishAsync(Message message)
    {
        await _backplane.PublishAsync(message.Bytes, message.Channels).ConfigureAwait(false);
        _metrics.BackplaneSent(message.Bytes.Length);
    }

    /// <summary>Lets go of what has arrived; takes back what has failed and all behind it.</summary>
    private async Task ReapAsync()
    {
        while (_underWay.TryPeek(out Message? oldest) && oldest.Publishing.IsCompleted)
        {
            if (oldest.Publishing.IsCompletedSuccessfully)
            {
                Finish(_underWay.Dequeue());
                continue;
            }

            await TakeBackAsync(oldest.Publishing.Exception?.InnerException).ConfigureAwait(false);
        }
    }

    private async Task TakeBackAsync(Exception? why)
    {
        bool wasConnected = _isConnected;
        var failed = new List<Message>();
        foreach (Message message in _underWay)
        {
            // Those behind it have arrived or not: they go again in either case, to be behind it.
            await message.Publishing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            failed.Add(message);
        }

        _underWay.Clear();
        if (++failed[0].Attempts >= MaxAttempts && wasConnected)
        {
            _logger.BackplaneRefused(why, failed[0].Bytes.Length);
            _metrics.BackplaneDropped("refused", failed[0].Records);
            Finish(failed[0]);
            failed.RemoveAt(0);
        }

        Message[] later = [.. _again];
        _again.Clear();
        failed.ForEach(_again.Enqueue);
        Array.ForEach(later, _again.Enqueue);
        if (wasConnected && !_stopping.IsCancellationRequested)
        {
            // The backplane is about to say that the connection is lost, or it is this message.
            await Task.Delay(RetryPause, _time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Finish(Message message) => message.Finish(_queue);

    /// <summary>Records that go together.</summary>
    private sealed class Message : IDisposable
    {
        private readonly List<Outgoing> _records;
        private readonly WireBuffer _bytes = new();

        public Message(string node, List<Outgoing> records)
        {
            _records = records;
            Envelopes.WriteHeader(_bytes, node);
            foreach (Outgoing record in records)
            {
                Envelopes.WriteRecord(_bytes, record.Number, record.Kind, record.Content.Memory.Span);
            }
        }

        public ReadOnlyMemory<byte> Bytes => _bytes.Memory;

        public IReadOnlyList<string> Channels => _records[0].Channels;

        public int Records => _records.Count;

        public int Attempts { get; set; }

        public Task Publishing { get; set; } = Task.CompletedTask;

        public void Finish(OutgoingQueue queue)
        {
            _records.ForEach(queue.Done);
            Dispose();
        }

        public void Dispose() => _bytes.Dispose();
    }
}

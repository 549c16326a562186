using WsServer.Backplane;
using WsServer.Cluster;

namespace WsServer.Tests.Support;

/// <summary>A backplane between nodes of one process that loses messages with records of one kind, or its connection, while it is told to.</summary>
internal sealed class LossyBackplane(LocalExchange exchange, MessageKind kind) : IBackplane
{
    private readonly LocalBackplane _inner = new(exchange);
    private Receiver? _receiver;
    private int _lost;

    /// <summary>Whether such messages are lost now.</summary>
    public bool Loses { get; set; }

    /// <summary>How many records of the kind were in those that were.</summary>
    public int Lost => Volatile.Read(ref _lost);

    public void Start(string node, IBackplaneReceiver receiver) => _inner.Start(node, _receiver = new Receiver(receiver));

    /// <summary>Loses the connection, and all that is sent meanwhile.</summary>
    public void Cut() => _receiver!.Cut();

    /// <summary>Has it again.</summary>
    public void Restore() => _receiver!.Restore();

    public ValueTask PublishAsync(ReadOnlyMemory<byte> message, IReadOnlyList<string> channels)
    {
        if (_receiver is { IsCut: true })
        {
            return ValueTask.FromException(new IOException("There is no connection."));
        }

        int records = Loses ? Count(message) : 0;
        if (records == 0)
        {
            return _inner.PublishAsync(message, channels);
        }

        Interlocked.Add(ref _lost, records);
        return ValueTask.CompletedTask;
    }

    public ValueTask SubscribeAsync(string channel, bool isWanted) => _inner.SubscribeAsync(channel, isWanted);

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private int Count(ReadOnlyMemory<byte> message)
    {
        int count = 0;
        Envelopes.ReadHeader(message, out WireReader records);
        while (!records.IsAtEnd)
        {
            count += Envelopes.ReadRecord(ref records).Kind == kind ? 1 : 0;
        }

        return count;
    }

    private sealed class Receiver(IBackplaneReceiver inner) : IBackplaneReceiver
    {
        private readonly Lock _gate = new();
        private volatile bool _isCut;

        public bool IsCut => _isCut;

        public void Cut()
        {
            lock (_gate)
            {
                _isCut = true;
                inner.Disconnected("cut by the test");
            }
        }

        public void Restore()
        {
            lock (_gate)
            {
                _isCut = false;
                inner.Connected(isResumed: false);
            }
        }

        public void Connected(bool isResumed)
        {
            lock (_gate)
            {
                inner.Connected(isResumed);
            }
        }

        public void Disconnected(string why)
        {
            lock (_gate)
            {
                inner.Disconnected(why);
            }
        }

        public void Received(ReadOnlyMemory<byte> message)
        {
            lock (_gate)
            {
                if (!_isCut)
                {
                    inner.Received(message);
                }
            }
        }
    }
}

using WsServer.Backplane;
using WsServer.Cluster;

namespace WsServer.Tests.Support;

/// <summary>A backplane between nodes of one process that loses messages with records of one kind, while it is told to.</summary>
internal sealed class LossyBackplane(LocalExchange exchange, MessageKind kind) : IBackplane
{
    private readonly LocalBackplane _inner = new(exchange);
    private int _lost;

    /// <summary>Whether such messages are lost now.</summary>
    public bool Loses { get; set; }

    /// <summary>How many records of the kind were in those that were.</summary>
    public int Lost => Volatile.Read(ref _lost);

    public void Start(string node, IBackplaneReceiver receiver) => _inner.Start(node, receiver);

    public ValueTask PublishAsync(ReadOnlyMemory<byte> message, IReadOnlyList<string> channels)
    {
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
}

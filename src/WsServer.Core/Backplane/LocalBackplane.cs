namespace WsServer.Backplane;

/// <summary>
/// A backplane between servers of one process, for tests and for trying out: nodes that are given the same
/// <see cref="LocalExchange"/> are nodes of one server.
/// </summary>
/// <param name="exchange">What the nodes have in common.</param>
public sealed class LocalBackplane(LocalExchange exchange) : IBackplane
{
    private LocalExchange.Queue? _queue;

    /// <inheritdoc />
    public void Start(string node, IBackplaneReceiver receiver) => _queue = new LocalExchange.Queue(receiver);

    /// <inheritdoc />
    public ValueTask PublishAsync(ReadOnlyMemory<byte> message, IReadOnlyList<string> channels)
    {
        if (_queue is null)
        {
            return ValueTask.FromException(new InvalidOperationException("The backplane is not connected."));
        }

        exchange.Publish(message.Span, channels);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask SubscribeAsync(string channel, bool isWanted)
    {
        if (_queue is { } queue)
        {
            exchange.Subscribe(queue, channel, isWanted);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _queue, null) is { } queue ? exchange.DetachAsync(queue) : ValueTask.CompletedTask;
}

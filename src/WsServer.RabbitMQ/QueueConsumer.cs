using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace WsServer.RabbitMQ;

/// <summary>
/// Hands on what arrives in the node's queue, and acknowledges what was handled: at once when there is nothing more to do,
/// otherwise many with one word.
/// </summary>
/// <param name="channel">The channel to consume on; what is acknowledged on it was delivered to this consumer.</param>
/// <param name="receive">Handles a message; false when the session is over.</param>
/// <param name="fail">Is called when the broker ends the subscription.</param>
internal sealed class QueueConsumer(IChannel channel, Func<ReadOnlyMemory<byte>, bool> receive, Action<string> fail) : IAsyncBasicConsumer
{
    private readonly Channel<bool> _handlings = System.Threading.Channels.Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong _handled;

    /// <inheritdoc />
    public IChannel Channel => channel;

    /// <summary>Lets messages through: the node knows of the connection.</summary>
    public void Open() => _opened.TrySetResult();

    /// <summary>Acknowledges, until the session ends.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        ulong acknowledged = 0;
        await foreach (bool _ in _handlings.Reader.ReadAllAsync(stop).ConfigureAwait(false))
        {
            // Meanwhile more may have been handled than this was told of.
            ulong handled = Volatile.Read(ref _handled);
            if (handled > acknowledged)
            {
                acknowledged = handled;
                await channel.BasicAckAsync(handled, multiple: true, stop).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc />
    public async Task HandleBasicDeliverAsync(
        string consumerTag,
        ulong deliveryTag,
        bool redelivered,
        string exchange,
        string routingKey,
        IReadOnlyBasicProperties properties,
        ReadOnlyMemory<byte> body,
        CancellationToken cancellationToken = default)
    {
        if (!_opened.Task.IsCompleted)
        {
            await _opened.Task.ConfigureAwait(false);
        }

        // What comes too late stays at the broker, which delivers it again.
        if (receive(body))
        {
            Volatile.Write(ref _handled, deliveryTag);
            _handlings.Writer.TryWrite(true);
        }
    }

    /// <inheritdoc />
    public Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        fail("The queue was deleted.");
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task HandleBasicCancelOkAsync(string consumerTag, CancellationToken cancellationToken = default) => Task.CompletedTask;

    /// <inheritdoc />
    public Task HandleBasicConsumeOkAsync(string consumerTag, CancellationToken cancellationToken = default) => Task.CompletedTask;

    /// <inheritdoc />
    public Task HandleChannelShutdownAsync(object channel, ShutdownEventArgs reason)
    {
        Open();
        return Task.CompletedTask;
    }
}

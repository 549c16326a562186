using System.Security.Cryptography;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WsServer.RabbitMQ;

/// <summary>
/// Tells whether all that was published for a node is still in its queue. When the queue is made, a message is put into it
/// that is taken out and never acknowledged, so that the broker puts it back to the front when the connection is lost. There
/// it is the first to go: with the queue, when the broker starts anew, and when there is too much behind it.
/// </summary>
/// <param name="settings">The name and the arguments of the queue.</param>
internal sealed class QueueMarker(BrokerSettings settings)
{
    public const string ContentType = BrokerSettings.ContentType + ".marker";

    private byte[]? _mark;

    /// <summary>Whether nothing was lost since the node was last told of a connection.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>What came after something was lost, and has to be handled before what the queue delivers.</summary>
    public Queue<ReadOnlyMemory<byte>> Rescued { get; } = new();

    /// <summary>The node is told of a connection.</summary>
    public void Connected() => IsWhole = true;

    /// <summary>Brings the queue of the last session to where its marker is taken out, or makes one.</summary>
    /// <param name="connection">For channels that come to nothing.</param>
    /// <param name="control">Holds the marker until it closes.</param>
    /// <param name="publisher">Puts the marker in.</param>
    /// <param name="stop">Gives up.</param>
    /// <returns>Whether the queue was there.</returns>
    public async Task<bool> TakeAsync(IConnection connection, IChannel control, Publisher publisher, CancellationToken stop)
    {
        Rescued.Clear();
        if (_mark is not null && await TryClaimAsync(connection, stop).ConfigureAwait(false))
        {
            BasicGetResult? first = await control.BasicGetAsync(settings.Queue, autoAck: false, stop).ConfigureAwait(false);
            if (IsMark(first))
            {
                return true;
            }

            IsWhole = false;
            if (first is not null)
            {
                await control.BasicNackAsync(first.DeliveryTag, multiple: false, requeue: true, stop).ConfigureAwait(false);
            }

            await RescueAsync(control, publisher, stop).ConfigureAwait(false);
            return true;
        }

        await MakeQueueAsync(control, publisher, stop).ConfigureAwait(false);
        return false;
    }

    private async Task MakeQueueAsync(IChannel control, Publisher publisher, CancellationToken stop)
    {
        IsWhole = false;
        Rescued.Clear();

        // What an attempt has left that did not come to its end.
        await control.QueueDeleteAsync(settings.Queue, ifUnused: false, ifEmpty: false, cancellationToken: stop).ConfigureAwait(false);
        await control.QueueDeclareAsync(settings.Queue, durable: true, exclusive: false, autoDelete: false, settings.QueueArguments, cancellationToken: stop).ConfigureAwait(false);
        await PutMarkAsync(publisher, stop).ConfigureAwait(false);
        if (!IsMark(await control.BasicGetAsync(settings.Queue, autoAck: false, stop).ConfigureAwait(false)))
        {
            throw new IOException($"The queue {settings.Queue} is somebody else's.");
        }
    }

    /// <summary>The marker is gone. What others have published since then is taken out up to a new one, and what comes right behind it.</summary>
    private async Task RescueAsync(IChannel control, Publisher publisher, CancellationToken stop)
    {
        await PutMarkAsync(publisher, stop).ConfigureAwait(false);
        var rescue = new Rescue(this, control);
        string tag = await control.BasicConsumeAsync(
            settings.Queue, autoAck: false, consumerTag: "", noLocal: false, exclusive: true, arguments: null, rescue, stop).ConfigureAwait(false);
        await rescue.MarkFound.WaitAsync(stop).ConfigureAwait(false);
        await control.BasicCancelAsync(tag, noWait: false, stop).ConfigureAwait(false);
        await rescue.Ended.WaitAsync(stop).ConfigureAwait(false);
    }

    private Task PutMarkAsync(Publisher publisher, CancellationToken stop)
    {
        _mark = RandomNumberGenerator.GetBytes(16);
        return publisher.PublishToQueueAsync(_mark, settings.Queue, new BasicProperties { ContentType = ContentType }).WaitAsync(stop);
    }

    private bool IsMark(BasicGetResult? message) => message is not null && message.Body.Span.SequenceEqual(_mark);

    // The broker may not have noticed the end of the last connection, and go on delivering to it: what that got would come
    // back later, out of order. It lets an exclusive consumer in when no other is left.
    private async Task<bool> TryClaimAsync(IConnection connection, CancellationToken stop)
    {
        IChannel channel = await connection.CreateChannelAsync(cancellationToken: stop).ConfigureAwait(false);
        await using (channel.ConfigureAwait(false))
        {
            try
            {
                await channel.BasicQosAsync(0, 1, global: false, stop).ConfigureAwait(false);
                await channel.BasicConsumeAsync(
                    settings.Queue, autoAck: false, consumerTag: "", noLocal: false, exclusive: true, arguments: null, new AsyncDefaultBasicConsumer(channel), stop).ConfigureAwait(false);

                // Answered when what was delivered is back.
                await channel.CloseAsync(Constants.ReplySuccess, "Claimed", abort: false, stop).ConfigureAwait(false);
                return true;
            }
            catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.NotFound)
            {
                return false;
            }
        }
    }

    /// <summary>Takes all that is in the queue, and leaves the marker unacknowledged.</summary>
    private sealed class Rescue(QueueMarker marker, IChannel channel) : AsyncDefaultBasicConsumer(channel)
    {
        private readonly TaskCompletionSource _markFound = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task MarkFound => _markFound.Task;

        /// <summary>Ends when all that was delivered is in <see cref="Rescued"/>.</summary>
        public Task Ended => _ended.Task;

        public override async Task HandleBasicDeliverAsync(
            string consumerTag,
            ulong deliveryTag,
            bool redelivered,
            string exchange,
            string routingKey,
            IReadOnlyBasicProperties properties,
            ReadOnlyMemory<byte> body,
            CancellationToken cancellationToken = default)
        {
            if (body.Span.SequenceEqual(marker._mark))
            {
                _markFound.TrySetResult();
                return;
            }

            if (properties.ContentType != ContentType)
            {
                marker.Rescued.Enqueue(body.ToArray());
            }

            await Channel.BasicAckAsync(deliveryTag, multiple: false, cancellationToken).ConfigureAwait(false);
        }

        public override Task HandleBasicCancelOkAsync(string consumerTag, CancellationToken cancellationToken = default)
        {
            _ended.TrySetResult();
            return Task.CompletedTask;
        }
    }
}

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
    private readonly byte[] _mark = RandomNumberGenerator.GetBytes(16);
    private bool _isSet;

    /// <summary>Whether nothing was lost since the node was last told of a connection.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>The node is told of a connection.</summary>
    public void Connected() => IsWhole = true;

    /// <summary>Looks for the queue of the last session with the marker in front, and takes that.</summary>
    /// <param name="connection">For channels that come to nothing.</param>
    /// <param name="control">Holds the marker until it closes.</param>
    /// <param name="stop">Gives up.</param>
    /// <returns>Whether it is all there.</returns>
    public async Task<bool> FindAsync(IConnection connection, IChannel control, CancellationToken stop)
    {
        if (!_isSet || !await TryClaimAsync(connection, stop).ConfigureAwait(false))
        {
            return false;
        }

        BasicGetResult? first = await control.BasicGetAsync(settings.Queue, autoAck: false, stop).ConfigureAwait(false);
        return first is not null && first.Body.Span.SequenceEqual(_mark);
    }

    /// <summary>Makes the queue, with the marker taken from it.</summary>
    public async Task MakeQueueAsync(IChannel control, Publisher publisher, CancellationToken stop)
    {
        IsWhole = _isSet = false;

        // What an attempt has left that did not come to its end.
        await control.QueueDeleteAsync(settings.Queue, ifUnused: false, ifEmpty: false, cancellationToken: stop).ConfigureAwait(false);
        await control.QueueDeclareAsync(settings.Queue, durable: true, exclusive: false, autoDelete: false, settings.QueueArguments, cancellationToken: stop).ConfigureAwait(false);
        await publisher.PublishToQueueAsync(_mark, settings.Queue, new BasicProperties { ContentType = BrokerSettings.ContentType }).WaitAsync(stop).ConfigureAwait(false);
        if (await control.BasicGetAsync(settings.Queue, autoAck: false, stop).ConfigureAwait(false) is not { } first || !first.Body.Span.SequenceEqual(_mark))
        {
            throw new IOException($"The queue {settings.Queue} is somebody else's.");
        }

        _isSet = true;
    }

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
}

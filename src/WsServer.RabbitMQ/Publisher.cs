using System.Text;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using WsServer.Diagnostics;
using WsServer.RabbitMQ.Diagnostics;

namespace WsServer.RabbitMQ;

/// <summary>
/// Publishes over one channel and waits for the broker's word on each message. Messages end in the order in which they were
/// published, so that those that fail, when the channel does, are the last ones.
/// </summary>
internal sealed class Publisher
{
    // A content header is one frame, of which brokers take 128 KiB; a name in it has a type and a length before it.
    private const int MaxNames = 96 * 1024;
    private const int NameOverhead = 5;

    private readonly Lock _gate = new();
    private readonly Queue<TaskCompletionSource> _waiting = new();
    private readonly HashSet<ulong> _early = [];
    private readonly BasicProperties _plain = new() { ContentType = BrokerSettings.ContentType };
    private readonly IChannel _channel;
    private readonly BrokerSettings _settings;
    private readonly ILogger _logger;
    private readonly LogGate _refusals;
    private readonly LogGate _tooLarge;
    private readonly Action<Exception> _fail;
    private readonly CancellationToken _stop;
    private ulong _head = 1;
    private Task _last = Task.CompletedTask;
    private IOException? _failure;

    /// <summary>Takes over a new channel, in confirm mode.</summary>
    /// <param name="channel">The channel; nobody else publishes on it.</param>
    /// <param name="settings">The exchange and the limits.</param>
    /// <param name="logger">Is told of messages that are lost.</param>
    /// <param name="time">Limits what is logged.</param>
    /// <param name="fail">Is called when writing fails: the session is over then.</param>
    /// <param name="stop">Ends waiting for room on the connection.</param>
    public Publisher(IChannel channel, BrokerSettings settings, ILogger logger, TimeProvider time, Action<Exception> fail, CancellationToken stop)
    {
        _channel = channel;
        _settings = settings;
        _logger = logger;
        _refusals = new LogGate(time);
        _tooLarge = new LogGate(time);
        _fail = fail;
        _stop = stop;
        channel.BasicAcksAsync += OnAck;
        channel.BasicNacksAsync += OnNack;
    }

    /// <summary>The last message's task.</summary>
    public Task Last
    {
        get
        {
            lock (_gate)
            {
                return _last;
            }
        }
    }

    /// <summary>Publishes to the queues that are bound to one of the channels.</summary>
    public Task PublishAsync(ReadOnlyMemory<byte> message, IReadOnlyList<string> channels)
    {
        if (message.Length > _settings.Options.MaxMessageBytes)
        {
            if (_tooLarge.TryPass(out int skipped))
            {
                _logger.TooLarge(message.Length, _settings.Options.MaxMessageBytes, skipped);
            }

            return Task.CompletedTask;
        }

        if (channels.Count == 1)
        {
            return Publish(_settings.Exchange, channels[0], _plain, message);
        }

        // A header that would be too large becomes several messages: a node takes the second for the first, repeated.
        Task last = Task.CompletedTask;
        for (int from = 0; from < channels.Count;)
        {
            var others = new List<object?>();
            int size = 0;
            int to = from + 1;
            for (; to < channels.Count && (size += Encoding.UTF8.GetByteCount(channels[to]) + NameOverhead) <= MaxNames; to++)
            {
                others.Add(channels[to]);
            }

            var properties = new BasicProperties { ContentType = BrokerSettings.ContentType };
            if (others.Count > 0)
            {
                properties.Headers = new Dictionary<string, object?> { ["CC"] = others };
            }

            last = Publish(_settings.Exchange, channels[from], properties, message);
            from = to;
        }

        return last;
    }

    /// <summary>Publishes to one queue, whatever it is bound to.</summary>
    public Task PublishToQueueAsync(ReadOnlyMemory<byte> message, string queue, BasicProperties properties) => Publish("", queue, properties, message);

    /// <summary>Ends all that is waiting, and all that comes: whether the broker has it is not known.</summary>
    public void Fail(string why)
    {
        lock (_gate)
        {
            _failure ??= new IOException(why);
            while (_waiting.TryDequeue(out TaskCompletionSource? message))
            {
                message.SetException(_failure);
                _ = message.Task.Exception; // seen: who published may no longer care
            }
        }
    }

    private Task Publish(string exchange, string routingKey, BasicProperties properties, ReadOnlyMemory<byte> message)
    {
        ValueTask writing;
        Task confirmed;
        lock (_gate)
        {
            if (_failure is not null)
            {
                return Task.FromException(_failure);
            }

            var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(waiting);
            confirmed = _last = waiting.Task;

            // Under the lock, as the broker counts messages in the order in which they are written.
            writing = _channel.BasicPublishAsync(exchange, routingKey, mandatory: false, properties, message, _stop);
        }

        if (!writing.IsCompletedSuccessfully)
        {
            _ = ObserveAsync(writing);
        }

        return confirmed;
    }

    private async Task ObserveAsync(ValueTask writing)
    {
        try
        {
            await writing.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            _fail(exception);
        }
    }

    private Task OnAck(object sender, BasicAckEventArgs ack)
    {
        Settle(ack.DeliveryTag, ack.Multiple);
        return Task.CompletedTask;
    }

    // A queue could not take it. The others have it, and trying again would not help that one.
    private Task OnNack(object sender, BasicNackEventArgs nack)
    {
        if (_refusals.TryPass(out int skipped))
        {
            _logger.Refused(skipped);
        }

        Settle(nack.DeliveryTag, nack.Multiple);
        return Task.CompletedTask;
    }

    private void Settle(ulong number, bool isAllBefore)
    {
        lock (_gate)
        {
            if (!isAllBefore && number != _head)
            {
                _early.Add(number);
                return;
            }

            while ((_head <= number || _early.Remove(_head)) && _waiting.TryDequeue(out TaskCompletionSource? message))
            {
                _early.Remove(_head);
                _head++;
                message.SetResult();
            }
        }
    }
}

using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using WsServer.RabbitMQ.Diagnostics;

namespace WsServer.RabbitMQ;

/// <summary>
/// A node's connection to the broker from its beginning to its end, which is the first fault of any kind: what is wrong on
/// one channel ends them all, and the next session begins anew. Messages leave on a connection of their own, as a broker
/// that is short of memory stops reading from it, and the other has to go on to relieve it.
/// </summary>
internal sealed class BrokerSession : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly BrokerSettings _settings;
    private readonly Bindings _bindings;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly BrokerSockets _sockets;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<IConnection> _connections = [];
    private readonly List<Task> _loops = [];
    private IChannel? _control;
    private Publisher? _publisher;
    private QueueConsumer? _consumer;

    private BrokerSession(BrokerSettings settings, Bindings bindings, ILogger logger, TimeProvider time)
    {
        _settings = settings;
        _bindings = bindings;
        _logger = logger;
        _time = time;
        _sockets = new BrokerSockets(time, () => Lose("The broker has fallen silent."));
    }

    /// <summary>Why it has ended, when it has.</summary>
    public Task<string> Ended => _ended.Task;

    /// <summary>Publishes; set once the session is open.</summary>
    public Publisher Publisher => _publisher ?? throw new InvalidOperationException("The session is not open.");

    /// <summary>Connects, finds or makes the queue, binds and consumes it. Nothing is handed on before <see cref="Release"/>.</summary>
    /// <param name="settings">Where the broker is.</param>
    /// <param name="bindings">What to subscribe to, from now on.</param>
    /// <param name="marker">Tells whether the queue is still the one of the last session.</param>
    /// <param name="receive">Handles a message; false when the session is over.</param>
    /// <param name="logger">Is told what the broker says.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="Exception">It did not work; <see cref="Fault"/> knows why.</exception>
    public static async Task<BrokerSession> OpenAsync(
        BrokerSettings settings,
        Bindings bindings,
        QueueMarker marker,
        Func<BrokerSession, ReadOnlyMemory<byte>, bool> receive,
        ILogger logger,
        TimeProvider time,
        CancellationToken stop)
    {
        var session = new BrokerSession(settings, bindings, logger, time);
        try
        {
            await session.OpenAsync(marker, receive, stop).ConfigureAwait(false);
            return session;
        }
        catch (Exception exception)
        {
            // What came first is the reason; the exception may be its consequence.
            session.End(Fault.Describe(exception));
            await session.DisposeAsync().ConfigureAwait(false);
            if (session.Ended is { IsCompletedSuccessfully: true } ended && !stop.IsCancellationRequested)
            {
                throw new IOException(await ended.ConfigureAwait(false), exception);
            }

            throw;
        }
    }

    /// <summary>Lets messages through: the node knows of the connection.</summary>
    public void Release() => _consumer?.Open();

    /// <summary>Deletes the queue, as the node will not come back.</summary>
    public async Task DeleteQueueAsync()
    {
        if (_control is { IsOpen: true } control)
        {
            using var timeout = new CancellationTokenSource(Patience, _time);
            try
            {
                await control.QueueDeleteAsync(_settings.Queue, ifUnused: false, ifEmpty: false, cancellationToken: timeout.Token).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                // The broker deletes it later: it expires.
                _logger.CloseFailed(exception);
            }
        }
    }

    /// <summary>Closes what is open, in a moment, whatever the broker does.</summary>
    public async ValueTask DisposeAsync()
    {
        End("The node has closed it.");
        foreach (IConnection connection in _connections.Where(c => c.IsOpen))
        {
            await TryAsync(connection.CloseAsync(Constants.ReplySuccess, "Goodbye", Patience, abort: true)).ConfigureAwait(false);
        }

        _sockets.Close();
        await TryAsync(Task.WhenAll(_loops)).ConfigureAwait(false);
        foreach (IConnection connection in _connections)
        {
            await TryAsync(connection.DisposeAsync().AsTask()).ConfigureAwait(false);
        }

        _stop.Dispose();
    }

    private async Task OpenAsync(QueueMarker marker, Func<BrokerSession, ReadOnlyMemory<byte>, bool> receive, CancellationToken stop)
    {
        using var timeout = new CancellationTokenSource(_settings.Options.ConnectTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, timeout.Token, _stop.Token);
        using CancellationTokenRegistration abort = timeout.Token.Register(() => Lose("The broker did not answer in time."));
        ConnectionFactory factory = _settings.CreateFactory(_sockets);
        IConnection receiving = await ConnectAsync(factory, "receives", either.Token).ConfigureAwait(false);
        IConnection sending = await ConnectAsync(factory, "sends", either.Token).ConfigureAwait(false);
        sending.ConnectionBlockedAsync += OnBlocked;
        sending.ConnectionUnblockedAsync += OnUnblocked;

        IChannel control = _control = await OpenChannelAsync(receiving, options: null, either.Token).ConfigureAwait(false);
        IChannel confirming = await OpenChannelAsync(
            sending, new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false), either.Token).ConfigureAwait(false);
        var publisher = new Publisher(confirming, _settings, _logger, _time, exception => End(Fault.Describe(exception)), _stop.Token);
        _publisher = publisher;

        await control.ExchangeDeclareAsync(_settings.Exchange, ExchangeType.Direct, durable: true, autoDelete: false, cancellationToken: either.Token).ConfigureAwait(false);
        bool wasThere = await marker.TakeAsync(receiving, control, publisher, either.Token).ConfigureAwait(false);

        // There may be many to bind. From here on each answer has its own time.
        timeout.CancelAfter(Timeout.InfiniteTimeSpan);
        await _bindings.AttachAsync(control, isNew: !wasThere, either.Token).ConfigureAwait(false);
        IChannel delivering = await OpenChannelAsync(receiving, options: null, either.Token).ConfigureAwait(false);
        var consumer = new QueueConsumer(delivering, message => receive(this, message), End);
        _consumer = consumer;
        await delivering.BasicQosAsync(0, (ushort)_settings.Options.Prefetch, global: false, either.Token).ConfigureAwait(false);
        await delivering.BasicConsumeAsync(
            _settings.Queue, autoAck: false, consumerTag: "", noLocal: false, exclusive: true, arguments: null, consumer, either.Token).ConfigureAwait(false);
        _loops.Add(RunAsync(consumer.RunAsync));
        _loops.Add(RunAsync(token => _bindings.RunAsync(control, token)));
    }

    private async Task<IConnection> ConnectAsync(ConnectionFactory factory, string purpose, CancellationToken stop)
    {
        IConnection connection = await factory.CreateConnectionAsync(_settings.ConnectionName(purpose), stop).ConfigureAwait(false);
        _connections.Add(connection);
        _sockets.Watch(connection.Heartbeat);
        connection.ConnectionShutdownAsync += (_, reason) =>
        {
            Lose(Fault.Describe(reason));
            return Task.CompletedTask;
        };
        return connection;
    }

    private async Task<IChannel> OpenChannelAsync(IConnection connection, CreateChannelOptions? options, CancellationToken stop)
    {
        IChannel channel = await connection.CreateChannelAsync(options, stop).ConfigureAwait(false);
        channel.ChannelShutdownAsync += (_, reason) =>
        {
            End(Fault.Describe(reason));
            return Task.CompletedTask;
        };
        channel.CallbackExceptionAsync += (_, failure) =>
        {
            End(Fault.Describe(failure.Exception));
            return Task.CompletedTask;
        };
        return channel;
    }

    private async Task RunAsync(Func<CancellationToken, Task> run)
    {
        try
        {
            await run(_stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The session has ended.
        }
        catch (Exception exception)
        {
            End(Fault.Describe(exception));
        }
    }

    /// <summary>The network or the broker has ended it: there is nobody to say goodbye to.</summary>
    private void Lose(string why)
    {
        End(why);
        _sockets.Close();
    }

    private void End(string why)
    {
        if (_ended.TrySetResult(why))
        {
            _bindings.Detach();
            _publisher?.Fail(why);
            _consumer?.Open();

            // Not on this thread, which may be one that the client needs to go on with closing.
            _ = _stop.CancelAsync();
        }
    }

    private Task OnBlocked(object sender, ConnectionBlockedEventArgs blocked)
    {
        _logger.Blocked(_settings.Address, blocked.Reason);
        return Task.CompletedTask;
    }

    private Task OnUnblocked(object sender, AsyncEventArgs unblocked)
    {
        _logger.Unblocked(_settings.Address);
        return Task.CompletedTask;
    }

    private async Task TryAsync(Task closing)
    {
        try
        {
            await closing.WaitAsync(Patience, _time).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            _logger.CloseFailed(exception);
        }
    }
}

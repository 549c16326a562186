using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using WsServer.Backplane;
using WsServer.RabbitMQ.Diagnostics;

namespace WsServer.RabbitMQ;

/// <summary>
/// Carries messages between nodes over RabbitMQ: one direct exchange for all of them, and a queue for each node, which is
/// bound to the channels that the node is subscribed to and survives a lost connection for a while.
/// </summary>
/// <param name="options">Where the broker is.</param>
/// <param name="loggers">Are told of connections made and lost.</param>
/// <param name="time">The clock.</param>
internal sealed class RabbitMQBackplane(IOptions<RabbitMQOptions> options, ILoggerFactory loggers, TimeProvider time) : IBackplane
{
    private static readonly TimeSpan PatienceWithPublishes = TimeSpan.FromSeconds(2);

    private readonly ILogger _logger = loggers.CreateLogger("WsServer.RabbitMQ");
    private readonly CancellationTokenSource _stop = new();
    private Bindings? _bindings;
    private ReceiverGate? _receiver;
    private Publisher? _publisher;
    private Task _running = Task.CompletedTask;
    private bool _isDisposed;

    /// <inheritdoc />
    public void Start(string node, IBackplaneReceiver receiver)
    {
        ArgumentException.ThrowIfNullOrEmpty(node);
        ArgumentNullException.ThrowIfNull(receiver);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_receiver is not null)
        {
            throw new InvalidOperationException("The backplane was started before.");
        }

        var settings = new BrokerSettings(options.Value, node);
        _bindings = new Bindings(settings);
        _receiver = new ReceiverGate(receiver);
        _running = Task.Run(() => RunAsync(settings, _bindings, _receiver));
    }

    /// <inheritdoc />
    public ValueTask PublishAsync(ReadOnlyMemory<byte> message, IReadOnlyList<string> channels)
    {
        ArgumentNullException.ThrowIfNull(channels);
        return Volatile.Read(ref _publisher) is { } publisher
            ? new ValueTask(publisher.PublishAsync(message, channels))
            : ValueTask.FromException(new IOException("There is no connection to the broker."));
    }

    /// <inheritdoc />
    public ValueTask SubscribeAsync(string channel, bool isWanted)
    {
        ArgumentNullException.ThrowIfNull(channel);
        return _bindings is { } bindings
            ? new ValueTask(bindings.SetAsync(channel, isWanted))
            : throw new InvalidOperationException("The backplane was not started.");
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        if (Interlocked.Exchange(ref _publisher, null) is { } publisher)
        {
            await Task.WhenAny(publisher.Last, Task.Delay(PatienceWithPublishes, time)).ConfigureAwait(false);
        }

        _receiver?.Close();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync(BrokerSettings settings, Bindings bindings, ReceiverGate receiver)
    {
        var marker = new QueueMarker(settings);
        var delay = new ReconnectDelay(settings.Options, time);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                BrokerSession session = await BrokerSession.OpenAsync(settings, bindings, marker, receiver.Received, _logger, time, _stop.Token).ConfigureAwait(false);
                await using (session.ConfigureAwait(false))
                {
                    delay.Connected();
                    _logger.Connected(settings.Node, settings.Address, marker.IsWhole);
                    string why = await RunAsync(session, marker, receiver).ConfigureAwait(false);
                    _logger.ConnectionLost(settings.Address, why);
                    receiver.Disconnected(why);
                }

                await Task.Delay(delay.Next(), time, _stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                // Disposed.
            }
            catch (Exception exception)
            {
                string why = Fault.Describe(exception);
                TimeSpan pause = delay.Next();
                _logger.AttemptFailed(settings.Address, why, pause);
                receiver.Disconnected(why);
                await Task.Delay(pause, time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    // Until the session ends, whose reason is returned, or the node does.
    private async Task<string> RunAsync(BrokerSession session, QueueMarker marker, ReceiverGate receiver)
    {
        if (!_isDisposed)
        {
            Volatile.Write(ref _publisher, session.Publisher);
        }

        try
        {
            receiver.Connected(session, marker.IsWhole);
            marker.Connected();
            session.Release();
            return await session.Ended.WaitAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await session.DeleteQueueAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            Volatile.Write(ref _publisher, null);
        }
    }
}

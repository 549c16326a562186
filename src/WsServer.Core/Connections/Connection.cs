using Microsoft.Extensions.Logging;
using WsServer.Diagnostics;
using WsServer.Limits;
using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>What a connection needs from the server, the same for all.</summary>
internal sealed record ConnectionSettings(EventServerOptions Options, TimeProvider Time, ILogger Logger, RateSettings Rates);

/// <summary>Takes what a client says.</summary>
internal interface IPacketReceiver
{
    /// <summary>Takes a packet; completes when the client may say more. The packet's arguments are the receiver's only until this returns.</summary>
    ValueTask ReceiveAsync(in Packet packet);
}

/// <summary>
/// One client's connection: reads messages, decodes them and hands on what they say. Knows its transport and its
/// outbox, and of everything above one method only.
/// </summary>
internal sealed class Connection(
    ITransport transport,
    Outbox outbox,
    IPacketReceiver receiver,
    ConnectionSettings settings,
    CancellationTokenSource abort,
    ClientPlace place)
{
    // After so many messages of one batch, what they brought forth leaves even if more have come.
    private const int BatchMessages = 64;

    private readonly IHeartbeatTransport? _heartbeat = transport as IHeartbeatTransport;
    // One that is told directly needs no registration, which is larger than the rest of what it keeps for its reading.
    private readonly CancellationToken _receiving = transport is IAbortable ? CancellationToken.None : abort.Token;
    private RateGuard _rates = new(place);
    private long _lastPing = settings.Time.GetTimestamp();
    private Task _reading = Task.CompletedTask;
    private bool _isPongDue;
    private volatile bool _isHandingOn;

    /// <summary>What waits for the client. Its completion is the connection's end: nothing more is taken from the client or for it.</summary>
    public Outbox Outbox => outbox;

    /// <summary>Begins to read.</summary>
    public void Start() => _reading = ReceiveAsync();

    /// <summary>Then says goodbye, waits for the client's, and lets the transport go.</summary>
    public async Task CloseAsync()
    {
        if (await outbox.Completed.ConfigureAwait(false) == Closing.Broken)
        {
            // There is nobody left to say goodbye to.
            await AbortAsync().ConfigureAwait(false);
        }

        try
        {
            await Task.WhenAll(_reading, outbox.Finished).WaitAsync(settings.Options.CloseTimeout, settings.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The client does not read the goodbye, or does not answer it.
            await AbortAsync().ConfigureAwait(false);
        }

        try
        {
            await transport.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Its sockets must go all the same.
            settings.Logger.CloseFailed(exception);
        }

        abort.Dispose();
    }

    /// <summary>Sends the ping that is due, and puts out a client whose pong is overdue.</summary>
    public void Tick(long now)
    {
        if (outbox.IsHeld)
        {
            // The handler that has emitted it keeps its thread for long.
            outbox.Flush();
        }

        if (_heartbeat is null || outbox.IsCompleted)
        {
            return;
        }

        if (_isPongDue && _heartbeat.LastReceived > _lastPing)
        {
            _isPongDue = false;
        }

        if (IsUnfinishedForTooLong(now))
        {
            outbox.Complete(Closing.Unfinished);
            return;
        }

        TimeSpan sincePing = settings.Time.GetElapsedTime(_lastPing, now);
        if (_isPongDue && _isHandingOn)
        {
            // The server itself has stopped reading, as the client's events wait for a handler: the pong may be there.
            _lastPing = now;
        }
        else if (_isPongDue && sincePing >= settings.Options.PingTimeout)
        {
            outbox.Complete(Closing.PingTimeout);
        }
        else if (!_isPongDue && sincePing >= settings.Options.PingInterval)
        {
            _lastPing = now;
            _isPongDue = true;
            _ = PingAsync(_heartbeat);
        }
    }

    /// <summary>Whether a client holds memory with the first part of a message and does not send the rest: its pongs would keep it for ever.</summary>
    private bool IsUnfinishedForTooLong(long now)
    {
        if (transport is not IUnfinishedMessage unfinished || unfinished.Begun is not (not 0 and long begun))
        {
            return false;
        }

        if (_isHandingOn)
        {
            // The server itself has stopped reading: the rest may be there.
            unfinished.BeginAnew(begun, now);
            return false;
        }

        return settings.Time.GetElapsedTime(begun, now) >= settings.Options.PingInterval + settings.Options.PingTimeout;
    }

    private async Task AbortAsync()
    {
        await abort.CancelAsync().ConfigureAwait(false);
        (transport as IAbortable)?.Abort();
    }

    private async Task PingAsync(IHeartbeatTransport heartbeat)
    {
        try
        {
            await heartbeat.PingAsync(abort.Token).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // A ping that cannot be sent gets no pong: the timeout does the rest.
            settings.Logger.SendFailed(exception);
        }
    }

    private async Task ReceiveAsync()
    {
        try
        {
            TransportMessage message = await transport.ReceiveAsync(_receiving).ConfigureAwait(false);
            while (message.Kind != TransportMessageKind.Closed)
            {
                ValueTask taken = TakeBatch(message, out ValueTask<TransportMessage> next);
                await taken.ConfigureAwait(false);
                message = await next.ConfigureAwait(false);
            }

            outbox.Complete(Closing.ByClient);
        }
        catch (InvalidDataException exception)
        {
            settings.Logger.Malformed(exception);
            outbox.Complete(Closing.Malformed);
        }
        catch (TimeoutException)
        {
            outbox.Complete(Closing.PingTimeout);
        }
        catch (Exception exception)
        {
            settings.Logger.ReceiveFailed(exception);
            outbox.Complete(Closing.Broken);
        }
    }

    /// <summary>
    /// Takes a message and those that have come behind it, and sends what they bring forth when all are handled. Stops
    /// where one has to wait for room; what it waits for is returned.
    /// </summary>
    private ValueTask TakeBatch(TransportMessage message, out ValueTask<TransportMessage> next)
    {
        Gathering gathering = Gathering.Open();
        try
        {
            for (int count = 1; ; count++)
            {
                ValueTask taken = Take(message);

                // The message's memory is given back with this.
                next = transport.ReceiveAsync(_receiving);
                if (count == BatchMessages || !taken.IsCompletedSuccessfully || !next.IsCompletedSuccessfully)
                {
                    return taken;
                }

                message = next.Result;
                if (message.Kind == TransportMessageKind.Closed)
                {
                    next = new(message);
                    return taken;
                }
            }
        }
        finally
        {
            gathering.Close();
        }
    }

    private ValueTask Take(TransportMessage message)
    {
        if (!outbox.IsCompleted && !_rates.TryTake(settings.Rates, outbox, _heartbeat?.LastReceived ?? settings.Time.GetTimestamp(), Math.Max(message.Payload.Length, message.WireLength) - message.ToldBytes))
        {
            // Before anybody has looked at it: garbage costs its sender as much as an event.
            return ValueTask.CompletedTask;
        }

        if (message.Kind == TransportMessageKind.Control)
        {
            return ValueTask.CompletedTask;
        }

        if (message.Kind == TransportMessageKind.TooLarge)
        {
            outbox.Complete(Closing.TooLarge(settings.Options.MaxMessageBytes));
            return ValueTask.CompletedTask;
        }

        return HandOn(message);
    }

    private ValueTask HandOn(TransportMessage message)
    {
        if (outbox.IsCompleted)
        {
            // Goodbye is said; only the other side's goodbye still counts.
            return ValueTask.CompletedTask;
        }

        bool isBinary = message.Kind == TransportMessageKind.Binary;
        if (isBinary)
        {
            outbox.Codec = outbox.Codec.BinaryForm;
        }

        if (!outbox.Codec.TryDecode(message.Payload, isBinary, out Packet packet, out Packet answer))
        {
            outbox.PostBreach(answer);
            return ValueTask.CompletedTask;
        }

        _isHandingOn = true;
        try
        {
            ValueTask handingOn = receiver.ReceiveAsync(packet);
            if (!handingOn.IsCompletedSuccessfully)
            {
                return WaitAsync(handingOn);
            }
        }
        catch (Exception exception)
        {
            Fault(exception);
        }

        _isHandingOn = false;
        return ValueTask.CompletedTask;
    }

    private async ValueTask WaitAsync(ValueTask handingOn)
    {
        try
        {
            await handingOn.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            Fault(exception);
        }

        _isHandingOn = false;
    }

    private void Fault(Exception exception)
    {
        settings.Logger.MessageFailed(exception);
        outbox.Complete(Closing.Faulted);
    }
}

using Microsoft.Extensions.Logging;
using WsServer.Diagnostics;
using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>
/// One client's connection: reads messages, decodes them and hands on what they say. Knows its transport and its
/// outbox, and of everything above one delegate only.
/// </summary>
internal sealed class Connection(
    ITransport transport,
    Outbox outbox,
    Func<Packet, ValueTask> receive,
    EventServerOptions options,
    TimeProvider time,
    ILogger logger,
    CancellationTokenSource abort)
{
    private readonly IHeartbeatTransport? _heartbeat = transport as IHeartbeatTransport;
    private long _lastPing = time.GetTimestamp();
    private Task _receiving = Task.CompletedTask;
    private bool _isPongDue;
    private volatile bool _isHandingOn;

    /// <summary>Runs until nothing more is taken from the client or for it, and returns why.</summary>
    public async Task<DisconnectReason> RunAsync()
    {
        _receiving = ReceiveAsync();
        return (await outbox.Completed.ConfigureAwait(false)).Reason;
    }

    /// <summary>Then says goodbye, waits for the client's, and lets the transport go.</summary>
    public async Task CloseAsync()
    {
        if (await outbox.Completed.ConfigureAwait(false) == Closing.Broken)
        {
            // There is nobody left to say goodbye to.
            await abort.CancelAsync().ConfigureAwait(false);
        }

        try
        {
            await Task.WhenAll(_receiving, outbox.Finished).WaitAsync(options.CloseTimeout, time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The client does not read the goodbye, or does not answer it.
            await abort.CancelAsync().ConfigureAwait(false);
        }

        try
        {
            await transport.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Its sockets must go all the same.
            logger.CloseFailed(exception);
        }
    }

    /// <summary>Sends the ping that is due, and puts out a client whose pong is overdue.</summary>
    public void Tick(long now)
    {
        if (_heartbeat is null || outbox.Completed.IsCompleted)
        {
            return;
        }

        if (_isPongDue && _heartbeat.LastReceived > _lastPing)
        {
            _isPongDue = false;
        }

        TimeSpan sincePing = time.GetElapsedTime(_lastPing, now);
        if (_isPongDue && _isHandingOn)
        {
            // The server itself has stopped reading, as the client's events wait for a handler: the pong may be there.
            _lastPing = now;
        }
        else if (_isPongDue && sincePing >= options.PingTimeout)
        {
            outbox.Complete(Closing.PingTimeout);
        }
        else if (!_isPongDue && sincePing >= options.PingInterval)
        {
            _lastPing = now;
            _isPongDue = true;
            _ = PingAsync(_heartbeat);
        }
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
            logger.SendFailed(exception);
        }
    }

    private async Task ReceiveAsync()
    {
        try
        {
            while (true)
            {
                TransportMessage message = await transport.ReceiveAsync(abort.Token).ConfigureAwait(false);
                switch (message.Kind)
                {
                    case TransportMessageKind.Closed:
                        outbox.Complete(Closing.ByClient);
                        return;
                    case TransportMessageKind.TooLarge:
                        outbox.Complete(Closing.TooLarge(options.MaxMessageBytes));
                        break;
                    default:
                        await HandOnAsync(message).ConfigureAwait(false);
                        break;
                }
            }
        }
        catch (InvalidDataException exception)
        {
            logger.Malformed(exception);
            outbox.Complete(Closing.Malformed);
        }
        catch (Exception exception)
        {
            logger.ReceiveFailed(exception);
            outbox.Complete(Closing.Broken);
        }
    }

    private async ValueTask HandOnAsync(TransportMessage message)
    {
        if (outbox.Completed.IsCompleted)
        {
            // Goodbye is said; only the other side's goodbye still counts.
            return;
        }

        bool isBinary = message.Kind == TransportMessageKind.Binary;
        if (isBinary)
        {
            outbox.Codec = outbox.Codec.BinaryForm;
        }

        if (!outbox.Codec.TryDecode(message.Payload, isBinary, out Packet? packet, out Packet? answer))
        {
            outbox.PostError(answer);
            return;
        }

        _isHandingOn = true;
        try
        {
            await receive(packet).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            logger.MessageFailed(exception);
            outbox.Complete(Closing.Faulted);
        }
        finally
        {
            _isHandingOn = false;
        }
    }
}

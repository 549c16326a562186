using System.Runtime.CompilerServices;
using WsServer.Connections;
using WsServer.SocketIO.Wire;

namespace WsServer.SocketIO.Engine;

/// <summary>How what clients say comes to the server: by POST, by WebSocket, and by the one after the other.</summary>
internal sealed partial class EngineSession
{
    private TaskCompletionSource? _arrival;
    private PostedPackets? _posted;
    private volatile bool _isReceiving;

    // When the last part came of a packet that is not whole; 0 while there is none.
    private long _lastPart;

    /// <summary>Puts messages together that came in parts; without, each message is handed on as it came.</summary>
    public PacketAssembler? Assembler { get; set; }

    /// <summary>Whether the server waits for a message.</summary>
    public bool IsReceiving => _isReceiving;

    /// <inheritdoc />
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<TransportMessage> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (_aborting == default)
        {
            // Once for the session, and not for each message.
            _aborting = cancellationToken.UnsafeRegister(static session => ((EngineSession)session!).Abort(), this);
        }

        _isReceiving = true;
        try
        {
            while (true)
            {
                if (TryTakePosted(out TransportMessage message, out EngineSocket? socket, out Task arrival))
                {
                    return message;
                }

                if (socket is null)
                {
                    await arrival.ConfigureAwait(false);
                }
                else if (TryTake(await ReceiveAsync(socket, cancellationToken).ConfigureAwait(false), out message))
                {
                    return message;
                }
            }
        }
        finally
        {
            _isReceiving = false;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<TransportMessage> ReceiveAsync(EngineSocket socket, CancellationToken cancellationToken)
    {
        try
        {
            return await socket.ReceiveAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ThrowIfEnded();
            throw;
        }
    }

    /// <summary>
    /// Takes the next message that was posted. Without one: the WebSocket to receive from; with neither, what tells that
    /// it is worth looking again.
    /// </summary>
    private bool TryTakePosted(out TransportMessage message, out EngineSocket? socket, out Task arrival)
    {
        lock (_gate)
        {
            arrival = Task.CompletedTask;
            while (_posted is { } posted)
            {
                if (!posted.TryTake(out ReadOnlyMemory<byte> payload, out TransportMessageKind kind))
                {
                    // Only now, as the reader has dealt with the last one.
                    posted.Complete();
                    _posted = null;
                }
                else if (kind == TransportMessageKind.Control ? TryTell(new(kind, payload), out message) : TryAssemble(new(kind, payload), out message))
                {
                    socket = null;
                    return true;
                }
            }

            socket = _socket;
            if (_end is { } end && (socket is null || end is SessionEnd.PingTimeout or SessionEnd.Unfinished))
            {
                message = new TransportMessage(TransportMessageKind.Closed);
                ThrowFor(end);
                return true;
            }

            message = default;
            if (_isAborted)
            {
                throw new OperationCanceledException();
            }

            if (socket is null)
            {
                _arrival = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                arrival = _arrival.Task;
            }

            return false;
        }
    }

    /// <summary>Whether what came over the WebSocket is for the server, and not for the session itself.</summary>
    private bool TryTake(TransportMessage received, out TransportMessage message)
    {
        message = received;
        switch (received.Kind)
        {
            case TransportMessageKind.Binary:
                return TryAssemble(received, out message);
            case TransportMessageKind.Control:
                return TryTell(received, out message);
            case TransportMessageKind.Text:
                break;
            default:
                End(SessionEnd.Client);
                return true;
        }

        switch (received.Payload.IsEmpty ? default : received.Payload.Span[0])
        {
            case EnginePacketType.Message:
                return TryAssemble(received, out message);
            case EnginePacketType.Pong:
                TakePong();
                return TryTell(received, out message);
            case EnginePacketType.Close:
                End(SessionEnd.Client);
                message = new TransportMessage(TransportMessageKind.Closed);
                return true;
            case EnginePacketType.Open or EnginePacketType.Upgrade or EnginePacketType.Noop:
                // Of no meaning here, and no harm, unless there is no end of them.
                return TryTell(received, out message);
            default:
                End(SessionEnd.Malformed);
                throw new InvalidDataException("A packet is of no type that a client may send.");
        }
    }

    /// <summary>What is not for the server is told all the same where it counts for its client's rates.</summary>
    private bool TryTell(TransportMessage received, out TransportMessage message)
    {
        message = received with { Kind = TransportMessageKind.Control };
        return Place is not null;
    }

    /// <summary>Whether a packet is whole; if not, its part counts for the rates at once, as it is kept until the rest has come.</summary>
    private bool TryAssemble(TransportMessage received, out TransportMessage message)
    {
        message = received;
        if (Assembler is not { } assembler)
        {
            return true;
        }

        if (!assembler.TryTake(received.Payload, received.Kind == TransportMessageKind.Binary, out message))
        {
            Volatile.Write(ref _lastPart, _settings.Time.GetTimestamp());
            return TryTell(received, out message);
        }

        if (Place is not null)
        {
            // All but what is new.
            message = message with { ToldBytes = message.Payload.Length - received.Payload.Length + received.ToldBytes };
        }

        if (_lastPart != 0)
        {
            Volatile.Write(ref _lastPart, 0);
        }

        return true;
    }
}

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
                else if (kind == TransportMessageKind.Control ? TryTell(payload, out message) : TryAssemble(payload, kind == TransportMessageKind.Binary, out message))
                {
                    socket = null;
                    return true;
                }
            }

            socket = _socket;
            if (_end is { } end && (socket is null || end == SessionEnd.PingTimeout))
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
                return TryAssemble(received.Payload, isBinary: true, out message);
            case TransportMessageKind.Control:
                return TryTell(received.Payload, out message);
            case TransportMessageKind.Text:
                break;
            default:
                End(SessionEnd.Client);
                return true;
        }

        switch (received.Payload.IsEmpty ? default : received.Payload.Span[0])
        {
            case EnginePacketType.Message:
                return TryAssemble(received.Payload, isBinary: false, out message);
            case EnginePacketType.Pong:
                TakePong();
                return TryTell(received.Payload, out message);
            case EnginePacketType.Close:
                End(SessionEnd.Client);
                message = new TransportMessage(TransportMessageKind.Closed);
                return true;
            case EnginePacketType.Open or EnginePacketType.Upgrade or EnginePacketType.Noop:
                // Of no meaning here, and no harm, unless there is no end of them.
                return TryTell(received.Payload, out message);
            default:
                End(SessionEnd.Malformed);
                throw new InvalidDataException("A packet is of no type that a client may send.");
        }
    }

    /// <summary>What is not for the server is told all the same where it counts for its client's rates.</summary>
    private bool TryTell(ReadOnlyMemory<byte> payload, out TransportMessage message)
    {
        message = new TransportMessage(TransportMessageKind.Control, payload);
        return Place is not null;
    }

    private bool TryAssemble(ReadOnlyMemory<byte> payload, bool isBinary, out TransportMessage message)
    {
        if (Assembler is { } assembler)
        {
            return assembler.TryTake(payload, isBinary, out message);
        }

        message = new TransportMessage(isBinary ? TransportMessageKind.Binary : TransportMessageKind.Text, payload);
        return true;
    }
}

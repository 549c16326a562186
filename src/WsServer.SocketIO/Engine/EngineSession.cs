using System.Buffers.Text;
using System.Security.Cryptography;
using WsServer.Connections;
using WsServer.Limits;
using WsServer.Wire;

namespace WsServer.SocketIO.Engine;

/// <summary>
/// One Engine.IO session, from the handshake to its end, as the transport of one client: first over polling requests,
/// later perhaps over a WebSocket, or over a WebSocket from the start.
/// </summary>
/// <remarks>
/// Requests, timers, and the server's sends and receives come from threads of their own. What they share is guarded by
/// one lock, under which nothing is waited for. This file has how the server sends and closes; the others have how it
/// receives, and what requests and timers do.
/// </remarks>
internal sealed partial class EngineSession : ITransport
{
    // What is copied out of the server's memory for a client between two polls. What does not fit waits with the
    // server, whose own limit then decides.
    private const int MaxBufferedBytes = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly EngineSettings _settings;
    private readonly Action<EngineSession> _forget;
    private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<EncodedPacket> _outgoing = [];
    private long _outgoingBytes;
    private TaskCompletionSource? _room;
    private volatile EngineSocket? _socket;
    private CancellationTokenRegistration _aborting;
    private SessionEnd? _end;
    private bool _isClosing;
    private bool _isAborted;
    private bool _isDisposed;

    /// <param name="settings">What all sessions have in common.</param>
    /// <param name="socket">The WebSocket that the session was opened over; null when it is polling.</param>
    /// <param name="forget">Called once, when no request may find the session any more.</param>
    public EngineSession(EngineSettings settings, EngineSocket? socket, Action<EngineSession> forget)
    {
        _settings = settings;
        _socket = socket;
        _forget = forget;
        _timer = StartHeartbeat();
    }

    /// <summary>What the session is found by, and a secret of its client: who knows it, and is of the same identity, may speak for the client.</summary>
    public string Sid { get; } = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(15));

    /// <summary>Whose it is, as the request was found to be that opened it; null for nobody's. Others do not find it.</summary>
    public string? Identity { get; init; }

    /// <summary>Its place among the connections of its address and its user; null when these are not limited here.</summary>
    public ClientPlace? Place { get; init; }

    /// <summary>Completes when the session no longer uses its WebSocket.</summary>
    public Task Disposed => _disposed.Task;

    /// <inheritdoc />
    public ValueTask SendAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken) =>
        _socket is { } socket ? socket.SendAsync(packets) : BufferAsync(packets, cancellationToken);

    /// <inheritdoc />
    public ValueTask CloseAsync(TransportClose close, CancellationToken cancellationToken)
    {
        EngineSocket? socket;
        lock (_gate)
        {
            socket = _socket;
            if (socket is null)
            {
                SayGoodbyeLocked();
                return ValueTask.CompletedTask;
            }

            StopHeartbeatLocked();
        }

        return socket.CloseAsync(close, cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        bool isFirst = TryBeginDispose(out EngineSocket? socket);
        if (!isFirst)
        {
            // The request that the WebSocket came with must not end while the first still uses it.
            await _disposed.Task.ConfigureAwait(false);
            return;
        }

        try
        {
            await _aborting.DisposeAsync().ConfigureAwait(false);
            if (socket is not null)
            {
                await socket.DisposeAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            _disposed.TrySetResult();
        }
    }

    private bool TryBeginDispose(out EngineSocket? socket)
    {
        lock (_gate)
        {
            socket = _socket;
            if (_isDisposed)
            {
                return false;
            }

            _isDisposed = true;
            if (socket is null)
            {
                // A client that is away learns of the end with its next poll.
                SayGoodbyeLocked();
            }
            else
            {
                EndLocked(SessionEnd.Server);
            }

            _posted?.Complete();
            _posted = null;
            return true;
        }
    }

    /// <summary>Keeps copies of the packets for the next poll, and waits for it when they do not fit.</summary>
    private async ValueTask BufferAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
    {
        while (TryBuffer(ref packets) is { } room)
        {
            await room.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        if (!packets.IsEmpty)
        {
            // It has become the transport meanwhile.
            await _socket!.SendAsync(packets).ConfigureAwait(false);
        }
    }

    private Task? TryBuffer(ref ReadOnlyMemory<EncodedPacket> packets)
    {
        lock (_gate)
        {
            if (_socket is not null)
            {
                return null;
            }

            if (_end is not null || _isClosing)
            {
                throw new IOException("The session is over.");
            }

            while (!packets.IsEmpty && (_poll is not null || _outgoing.Count == 0 || _outgoingBytes + packets.Span[0].Length <= MaxBufferedBytes))
            {
                EncodedPacket packet = packets.Span[0];
                packets = packets[1..];
                _outgoing.Add(EncodedPacket.Create(packet.Payload.Span, packet.IsBinary));
                _outgoingBytes += packet.Length;
            }

            AnswerPollLocked();
            return packets.IsEmpty ? null : (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>The server gives the session up: what waits ends, and disposing comes next.</summary>
    private void Abort()
    {
        lock (_gate)
        {
            _isAborted = true;
            _arrival?.TrySetResult();
            _socket?.Abort();
        }
    }
}

using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using WsServer.Connections;
using WsServer.Diagnostics;
using WsServer.Polling;

namespace WsServer.Hosting;

/// <summary>What the connections of one listener have in common.</summary>
/// <param name="EndPoint">Where it listens.</param>
/// <param name="Memory">Where Kestrel takes its buffers from.</param>
/// <param name="Input">For the pipes that HTTP reads.</param>
/// <param name="Logger">For what goes wrong.</param>
/// <param name="Poller">What waits for their sockets; without one the runtime does.</param>
internal sealed record ListenerSettings(EndPoint EndPoint, MemoryPool<byte> Memory, PipeOptions Input, ILogger Logger, Poller? Poller = null);

/// <summary>
/// A connection of Kestrel's that writes to its socket on the writer's own thread. Everything of it leaves by
/// <see cref="Output"/>, the handshake's answer and TLS records included, so nothing can overtake anything. After an
/// upgrade, the WebSocket goes on with <see cref="TakeSource"/> and <see cref="Socket"/> alone.
/// </summary>
internal sealed partial class DirectConnection : ConnectionContext, IDuplexPipe, IInputOwner
{
    // Kestrel's switch for connections that break: whether their client reads an ordinary end, or a reset as by default.
    private static readonly bool EndsOrderly = AppContext.TryGetSwitch("Microsoft.AspNetCore.Server.Kestrel.FinOnError", out bool isSet) && isSet;

    private readonly ListenerSettings _settings;
    private readonly Socket _socket;
    private readonly SocketInput _source;
    private readonly HttpPipeReader _input;
    private readonly CancellationTokenSource _closing = new();
    private Task? _closed;
    private ConnectionAbortedException? _abortReason;
    private bool _isShut;

    /// <param name="socket">An accepted socket, which the connection disposes.</param>
    /// <param name="settings">What it shares with others.</param>
    public DirectConnection(Socket socket, ListenerSettings settings)
    {
        socket.Blocking = false;
        _socket = socket;
        _settings = settings;
        _source = SocketInput.Open(socket, this, settings.Poller);
        _input = new HttpPipeReader(_source, settings.Input);
        Socket = new SocketOutput(socket, _source);
        Output = new SocketPipeWriter(Socket);
        Transport = this;
        ConnectionClosed = _closing.Token;
        LocalEndPoint = IsWildcard(settings.EndPoint) ? socket.LocalEndPoint : settings.EndPoint;
        RemoteEndPoint = socket.RemoteEndPoint;
    }

    public PipeReader Input => _input;

    public PipeWriter Output { get; }

    /// <summary>
    /// Where the output's bytes leave, for who goes on alone from now: everything written to the output before has been
    /// flushed, and nothing more is.
    /// </summary>
    public SocketOutput Socket { get; }

    Exception? IInputOwner.CloseReason => Volatile.Read(ref _abortReason);

    /// <summary>Begins to read.</summary>
    public void Start() => _input.Start();

    /// <summary>
    /// What the input's bytes come from, for who reads on alone from now, where they come. HTTP loses them with the
    /// first read from it.
    /// </summary>
    public PipeReader TakeSource() => new SocketPipeReader(_source, _input);

    public override void Abort(ConnectionAbortedException abortReason)
    {
        lock (_source)
        {
            if (_isShut)
            {
                return;
            }

            // Before the socket is closed: whoever reads it is to learn of the reason.
            _isShut = true;
            _abortReason = abortReason;
        }

        if (EndsOrderly)
        {
            EndSocket();
        }
        else
        {
            _source.CloseSocket(isReset: true);
        }
    }

    /// <summary>Ends what is open still, and completes when everybody who watches <c>ConnectionClosed</c> has been told.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _input.CompleteAsync().ConfigureAwait(false);
        bool isOpen;
        lock (_source)
        {
            isOpen = !_isShut;
            _isShut = true;
        }

        if (isOpen)
        {
            EndSocket();
        }

        await _input.Filling.ConfigureAwait(false);
        try
        {
            await TellClosed().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            _settings.Logger.ConnectionEndFailed(exception, ConnectionId);
        }

        _closing.Dispose();
        _source.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    // Kestrel's part in it takes locks, and may write: not on the stack of who reads.
    void IInputOwner.InputIsOver() => _ = TellClosed();

    private Task TellClosed()
    {
        lock (_source)
        {
            return _closed ??= _closing.CancelAsync();
        }
    }

    private void EndSocket()
    {
        try
        {
            _source.CloseSocket(isReset: false);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            _settings.Logger.ConnectionEndedBefore(exception, ConnectionId);
        }
    }

    // Then each connection's own end has another address than the listener's.
    private static bool IsWildcard(EndPoint listening) =>
        listening is not IPEndPoint ip || ip.Address.Equals(IPAddress.Any) || ip.Address.Equals(IPAddress.IPv6Any);
}

using System.Net.Sockets;
using RabbitMQ.Client;

namespace WsServer.RabbitMQ;

/// <summary>
/// The sockets of one session. Closing them ends whatever the client waits for: writing to a peer that has stopped
/// reading, it would otherwise wait with it.
/// </summary>
internal sealed class BrokerSockets
{
    private readonly Lock _gate = new();
    private readonly List<Socket> _sockets = [];
    private bool _isClosed;

    public ITcpClient Create(AddressFamily family)
    {
        var socket = new Socket(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        lock (_gate)
        {
            if (!_isClosed)
            {
                _sockets.Add(socket);
                return new TcpClientAdapter(socket);
            }
        }

        socket.Dispose();
        throw new OperationCanceledException("The session has ended.");
    }

    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _sockets.ForEach(s => s.Dispose());
            _sockets.Clear();
        }
    }
}

using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using WsServer.Connections;

namespace WsServer.Hosting;

/// <summary>
/// The two pipes of a connection of Kestrel's sockets transport, the output replaced by one that writes to the socket
/// on the writer's own thread. Everything of the connection leaves by it, the handshake's answer and TLS records
/// included, so nothing can overtake anything.
/// </summary>
internal sealed class DirectTransport : IDuplexPipe
{
    private DirectTransport(PipeReader input, SocketOutput socket)
    {
        Input = input;
        Socket = socket;
        Output = new SocketPipeWriter(socket);
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    /// <summary>
    /// Where the output's bytes leave, for who goes on alone from now: everything written to the output before has been
    /// flushed, and nothing more is.
    /// </summary>
    public SocketOutput Socket { get; }

    /// <summary>Puts itself in the place of a connection's transport; without a socket to write to, it does nothing.</summary>
    public static void Install(ConnectionContext connection)
    {
        if (connection.Features.Get<IConnectionSocketFeature>()?.Socket is not { } socket)
        {
            return;
        }

        socket.Blocking = false;
        connection.Transport = new DirectTransport(connection.Transport.Input, new SocketOutput(socket));
    }
}

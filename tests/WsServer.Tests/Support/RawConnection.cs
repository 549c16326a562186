using System.Net.Security;
using System.Net.Sockets;

namespace WsServer.Tests.Support;

/// <summary>A TCP connection to a server, with TLS where the server has it. Bytes, and nothing done by itself.</summary>
internal sealed class RawConnection : IDisposable
{
    private readonly TcpClient _tcp;

    private RawConnection(TcpClient tcp, Stream stream)
    {
        _tcp = tcp;
        Stream = stream;
    }

    public Stream Stream { get; }

    /// <summary>Connects.</summary>
    /// <param name="server">The address, <c>http</c> or <c>https</c>.</param>
    /// <param name="receiveBuffer">How much the system may take in before the program reads.</param>
    public static async Task<RawConnection> OpenAsync(Uri server, int? receiveBuffer = null)
    {
        var tcp = new TcpClient { NoDelay = true };
        if (receiveBuffer is { } size)
        {
            tcp.ReceiveBufferSize = size;
        }

        await tcp.ConnectAsync(server.Host, server.Port);
        if (server.Scheme != Uri.UriSchemeHttps)
        {
            return new RawConnection(tcp, tcp.GetStream());
        }

        var tls = new SslStream(tcp.GetStream(), leaveInnerStreamOpen: false, TestCertificate.Accept);
        await tls.AuthenticateAsClientAsync(server.Host);
        return new RawConnection(tcp, tls);
    }

    /// <summary>Says that nothing more will come, and can still read; does nothing when the connection has ended.</summary>
    public async Task EndSendingAsync()
    {
        try
        {
            if (Stream is SslStream tls)
            {
                await tls.ShutdownAsync();
            }

            _tcp.Client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            // The other side was faster.
        }
    }

    /// <summary>Ends the connection without a goodbye, as a crash does: the server gets a reset.</summary>
    public void Reset()
    {
        _tcp.LingerState = new LingerOption(true, 0);
        _tcp.Client.Close();
    }

    public void Dispose()
    {
        Stream.Dispose();
        _tcp.Dispose();
    }
}

using System.Net.Sockets;

namespace WsServer.Connections;

/// <summary>
/// A socket as output. Bytes are handed to the operating system on the thread that has them, without a hop over the
/// thread pool; only what the socket does not take at once is sent asynchronously.
/// </summary>
/// <param name="socket">A connected socket, set not to block.</param>
internal sealed class SocketOutput(Socket socket) : IByteOutput, IPrefetched
{
    private readonly SafeSocketHandle _handle = socket.SafeHandle;

    public void Prefetch(int link)
    {
        WsServer.Prefetch.Object(socket);
        WsServer.Prefetch.Object(_handle);
    }

    public int TryWrite(ReadOnlySpan<byte> bytes)
    {
        int written;
        SocketError error;
        try
        {
            written = socket.Send(bytes, SocketFlags.None, out error);
        }
        catch (ObjectDisposedException exception)
        {
            throw new IOException("The connection is closed.", exception);
        }

        return error switch
        {
            SocketError.Success => written,
            SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable or SocketError.IOPending => 0,
            _ => throw new IOException("The connection broke.", new SocketException((int)error)),
        };
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await WriteSomeAsync(bytes, cancellationToken).ConfigureAwait(false)..];
        }
    }

    /// <summary>Waits until the socket takes something.</summary>
    /// <returns>How many bytes it took.</returns>
    /// <exception cref="IOException">The connection broke.</exception>
    public async ValueTask<int> WriteSomeAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            return await socket.SendAsync(bytes, SocketFlags.None, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            throw new IOException("The connection broke.", exception);
        }
    }
}

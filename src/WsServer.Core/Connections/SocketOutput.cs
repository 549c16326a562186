using System.Net.Sockets;

namespace WsServer.Connections;

/// <summary>
/// A socket as output. Bytes are handed to the operating system on the thread that has them, without a hop over the
/// thread pool; only what the socket does not take at once is sent asynchronously.
/// </summary>
/// <param name="socket">A connected socket, set not to block.</param>
/// <param name="input">The socket's input, which may know by what to wait.</param>
internal sealed class SocketOutput(Socket socket, SocketInput? input = null) : IByteOutput, IPrefetched
{
    private readonly SafeSocketHandle _handle = socket.SafeHandle;
    private readonly PolledInput? _polled = input as PolledInput;

    public void Prefetch(int link)
    {
        WsServer.Prefetch.Object(socket);
        WsServer.Prefetch.Object(_handle);
    }

    public int TryWrite(ReadOnlySpan<byte> bytes)
    {
        int written = Send(bytes, out SocketError error);
        return error is SocketError.Success or SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable or SocketError.IOPending ? written : throw Broken(error);
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
        while (_polled is not null)
        {
            Task room = _polled.ExpectRoom();
            int written = Send(bytes.Span, out SocketError error);
            if (error is not (SocketError.WouldBlock or SocketError.IOPending))
            {
                return error == SocketError.Success ? written : throw Broken(error);
            }

            await room.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        try
        {
            return await socket.SendAsync(bytes, SocketFlags.None, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            throw new IOException("The connection broke.", exception);
        }
    }

    private static IOException Broken(SocketError error) => new("The connection broke.", new SocketException((int)error));

    private int Send(ReadOnlySpan<byte> bytes, out SocketError error)
    {
        try
        {
            int written = socket.Send(bytes, SocketFlags.None, out error);
            return error == SocketError.Success ? written : 0;
        }
        catch (ObjectDisposedException exception)
        {
            throw new IOException("The connection is closed.", exception);
        }
    }
}

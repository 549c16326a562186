using System.Net.Sockets;

namespace WsServer.Hosting;

/// <summary>
/// The last descriptors of the process, which no connection may take: without any, the runtime itself fails, since it
/// cannot start a thread or load an assembly. The system gives each descriptor the lowest number that is free, so the
/// number tells how many are left.
/// </summary>
/// <param name="files">How many the process may have; null for no limit, or where they have no such numbers.</param>
internal sealed class DescriptorMargin(int? files)
{
    private const int Count = 32;

    /// <summary>Whether a new socket has met the margin.</summary>
    public bool IsReached(Socket socket) => files is { } limit && socket.Handle >= limit - Count;

    /// <summary>Whether one more socket would not.</summary>
    public bool HasRoom()
    {
        try
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            return !IsReached(probe);
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

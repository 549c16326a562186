using System.Net.Sockets;

namespace WsServer.Hosting;

/// <summary>
/// Descriptors that are held for when the process has no others: without any, the runtime itself fails, since it cannot
/// start a thread or load an assembly. One thread at a time.
/// </summary>
internal sealed class DescriptorReserve : IDisposable
{
    private const int Count = 8;

    private readonly Stack<Socket> _held = new();

    /// <summary>Takes what is missing; false, and nothing held, when there is not enough.</summary>
    public bool TryFill()
    {
        try
        {
            while (_held.Count < Count)
            {
                _held.Push(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            }

            return true;
        }
        catch (SocketException)
        {
            Dispose();
            return false;
        }
    }

    /// <summary>Gives them back to the process.</summary>
    public void Dispose()
    {
        while (_held.TryPop(out Socket? socket))
        {
            socket.Dispose();
        }
    }
}

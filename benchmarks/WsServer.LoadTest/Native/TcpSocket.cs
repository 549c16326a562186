using System.Buffers.Binary;
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace WsServer.LoadTest.Native;

/// <summary>Makes the client's sockets: IPv4 over loopback, non-blocking.</summary>
internal static class TcpSocket
{
    /// <summary>One address has some 28,000 ports; the whole of 127.0.0.0/8 is this machine.</summary>
    private const int ConnectionsPerAddress = 10_000;

    // Small, so that what a slow reader does not read piles up in the server and not in the two kernel buffers between.
    private const int SlowReceiveBuffer = 4 * 1024;
    private const int SlowSegment = 1024;

    /// <summary>Begins to connect. The socket is writable when it is done; <see cref="GetError"/> says how it went.</summary>
    /// <param name="port">The port of 127.0.0.1 to connect to.</param>
    /// <param name="number">The how-manyth connection it is: its source address depends on that.</param>
    /// <param name="isSlow">Whether the kernel is to take in little for it.</param>
    public static int Connect(int port, int number, bool isSlow)
    {
        int descriptor = Libc.Socket(Libc.InterfaceInet, Libc.SocketStream | Libc.SocketNonBlocking | Libc.CloseOnExec, 0);
        if (descriptor < 0)
        {
            throw new Win32Exception();
        }

        Set(descriptor, Libc.LevelTcp, Libc.TcpNoDelay, 1);
        if (isSlow)
        {
            Set(descriptor, Libc.LevelSocket, Libc.ReceiveBuffer, SlowReceiveBuffer);
            Set(descriptor, Libc.LevelTcp, Libc.TcpMaxSegment, SlowSegment);
        }

        // The port is chosen at the connect, when the other end is known: two connections may share one then.
        Set(descriptor, Libc.LevelIp, Libc.BindAddressNoPort, 1);
        Span<byte> address = stackalloc byte[16];
        Write(address, (byte)(1 + (number / ConnectionsPerAddress)), 0);
        Check(Libc.Bind(descriptor, address, address.Length));
        Write(address, 1, port);
        if (Libc.Connect(descriptor, address, address.Length) < 0 && Marshal.GetLastPInvokeError() != Libc.InProgress)
        {
            throw new Win32Exception();
        }

        return descriptor;
    }

    /// <summary>The error of the connect, 0 for none.</summary>
    public static int GetError(int descriptor)
    {
        int length = sizeof(int);
        Check(Libc.GetOption(descriptor, Libc.LevelSocket, Libc.SocketError, out int error, ref length));
        return error;
    }

    private static void Set(int descriptor, int level, int name, int value) =>
        Check(Libc.SetOption(descriptor, level, name, in value, sizeof(int)));

    // struct sockaddr_in: the family in the machine's order, port and address in the network's.
    private static void Write(Span<byte> address, byte lastOctet, int port)
    {
        address.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(address, Libc.InterfaceInet);
        BinaryPrimitives.WriteUInt16BigEndian(address[2..], (ushort)port);
        address[4] = 127;
        address[7] = lastOctet;
    }

    private static void Check(int result)
    {
        if (result < 0)
        {
            throw new Win32Exception();
        }
    }
}

using System.Net;
using System.Net.Sockets;

namespace WsServer.Tests.Support;

/// <summary>A port for a program that cannot say which one it took.</summary>
internal static class FreePort
{
    public static int Find()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

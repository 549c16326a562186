using System.Net;
using System.Net.Sockets;

namespace WsServer.Tests.Support;

/// <summary>Two ends of a TCP connection: the server's, which does not block, and the client's.</summary>
internal sealed class SocketPair : IDisposable
{
    private SocketPair(Socket server, Socket client)
    {
        Server = server;
        Client = client;
    }

    public Socket Server { get; }

    public Socket Client { get; }

    public static async Task<SocketPair> ConnectAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Task<Socket> accepting = listener.AcceptAsync();
        await client.ConnectAsync(listener.LocalEndPoint!);
        Socket server = await Within.TimeAsync(accepting, "the connection");
        server.Blocking = false;
        return new SocketPair(server, client);
    }

    /// <summary>The client sends, and its bytes have come to the server's end.</summary>
    public async Task SendAsync(params byte[] bytes)
    {
        await Client.SendAsync(bytes);
        await Within.UntilAsync(() => Server.Available >= bytes.Length, "the bytes are there");
    }

    /// <summary>Ends the connection without a goodbye: the server gets a reset.</summary>
    public void Reset() => Client.Close(timeout: 0);

    public void Dispose()
    {
        Server.Dispose();
        Client.Dispose();
    }
}

using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using WsServer.LoadTest.Client;

namespace WsServer.Soak.Wire;

/// <summary>One message of the server; the status for a close, -1 when the connection ended without one.</summary>
internal readonly record struct WireMessage(FrameKind Kind, ReadOnlyMemory<byte> Payload, int Status = 0)
{
    public bool IsEnd => Kind == FrameKind.Close;

    public string Text => Encoding.UTF8.GetString(Payload.Span);
}

/// <summary>A WebSocket on a plain socket, so that it can also do what no WebSocket may. One reader, any number of senders.</summary>
internal sealed class WireClient : IDisposable
{
    /// <summary>How long the server may take to answer anything. A machine may be busy; a server that is stuck stays so.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private const int Addresses = 32;

    private static int s_number;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly int _port;
    private byte[] _buffer = new byte[512];
    private int _start;
    private int _end;

    private WireClient(int port) => _port = port;

    /// <summary>Connects and does nothing more.</summary>
    public static async Task<WireClient> ConnectAsync(int port)
    {
        var client = new WireClient(port);
        using var timeout = new CancellationTokenSource(Patience);

        // One address has some 28,000 ports, and each that was used is kept for a minute.
        int number = Interlocked.Increment(ref s_number);
        client._socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(1 + (number % Addresses))]), 0));
        await client._socket.ConnectAsync(IPAddress.Loopback, port, timeout.Token);
        return client;
    }

    /// <summary>Connects and opens a WebSocket.</summary>
    public static async Task<WireClient> OpenAsync(int port, string path)
    {
        WireClient client = await ConnectAsync(port);
        var upgrade = new UpgradeRequest(port, path);
        await client.SendBytesAsync(upgrade.Request);
        int length;
        using var timeout = new CancellationTokenSource(Patience);
        while ((length = upgrade.ReadResponse(client._buffer.AsSpan(client._start, client._end - client._start))) == 0)
        {
            if (!await client.FillAsync(timeout.Token))
            {
                throw new SoakException("The server closed the connection instead of upgrading it.");
            }
        }

        client._start += length;
        return client;
    }

    public Task SendAsync(string text) => SendBytesAsync(Frame.Write(FrameKind.Text, Encoding.UTF8.GetBytes(text)));

    public async Task SendBytesAsync(ReadOnlyMemory<byte> bytes)
    {
        await _sending.WaitAsync();
        try
        {
            while (!bytes.IsEmpty)
            {
                bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None)..];
            }
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>The next message; pings are answered. Valid until the next call.</summary>
    public async ValueTask<WireMessage> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            while (true)
            {
                if (Frame.TryRead(_buffer.AsSpan(_start, _end - _start), out FrameHeader header) && _end - _start >= header.Length + header.PayloadLength)
                {
                    ReadOnlyMemory<byte> payload = _buffer.AsMemory(_start + header.Length, header.PayloadLength);
                    _start += header.Length + header.PayloadLength;
                    switch (header.Kind)
                    {
                        case FrameKind.Ping:
                            await SendBytesAsync(Frame.Write(FrameKind.Pong, payload.Span));
                            break;
                        case FrameKind.Close:
                            return new WireMessage(FrameKind.Close, payload, payload.Length < 2 ? 1005 : BinaryPrimitives.ReadUInt16BigEndian(payload.Span));
                        case FrameKind.Text when header.IsFinal:
                            return new WireMessage(FrameKind.Text, payload);
                        case FrameKind.Pong:
                            break;
                        default:
                            throw new SoakException($"The server sent a frame out of place: {header}");
                    }
                }
                else if (!await FillAsync(cancellationToken))
                {
                    return new WireMessage(FrameKind.Close, default, -1);
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return new WireMessage(FrameKind.Close, default, -1);
        }
    }

    /// <summary>The next message, which must come soon.</summary>
    public async Task<WireMessage> ExpectAsync(string what)
    {
        using var timeout = new CancellationTokenSource(Patience);
        try
        {
            return await ReceiveAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            throw new SoakException($"Waited in vain for {what}.");
        }
    }

    /// <summary>Says goodbye; the server's follows.</summary>
    public Task SendCloseAsync() => SendBytesAsync(FrameReader.CloseFrame);

    /// <summary>Ends as a crash does: the server gets a reset.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    /// <summary>Ends with a FIN and no goodbye.</summary>
    public void Dispose() => _socket.Dispose();

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_end == _buffer.Length)
        {
            // What is not whole yet goes to the front, of a larger buffer if need be.
            byte[] next = _end - _start > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
            _buffer.AsSpan(_start, _end - _start).CopyTo(next);
            (_buffer, _end, _start) = (next, _end - _start, 0);
        }

        int count = await _socket.ReceiveAsync(_buffer.AsMemory(_end), cancellationToken);
        _end += count;
        return count > 0;
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace WsServer.LoadTest.Client;

/// <summary>The HTTP request that begins every connection, and its answer (RFC 6455, section 4).</summary>
internal sealed class UpgradeRequest
{
    private readonly byte[] _accept;

    [SuppressMessage("Security", "CA5350:Do Not Use Weak Cryptographic Algorithms", Justification = "RFC 6455 wants SHA-1 here.")]
    public UpgradeRequest(int port, string path)
    {
        // One key for all: it protects nothing, and making new ones would cost the client time.
        string key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        Request = Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"));
        _accept = Encoding.ASCII.GetBytes(Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes($"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))));
    }

    public byte[] Request { get; }

    /// <summary>The length of the answer, 0 if it is not whole yet.</summary>
    public int ReadResponse(ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<byte> end = "\r\n\r\n"u8;
        int at = data.IndexOf(end);
        if (at < 0)
        {
            return 0;
        }

        ReadOnlySpan<byte> head = data[..at];
        if (!head.StartsWith("HTTP/1.1 101 "u8) || head.IndexOf(_accept) < 0)
        {
            throw new LoadException($"The server refuses the upgrade: {Encoding.UTF8.GetString(head)}");
        }

        return at + end.Length;
    }
}

using System.Buffers.Binary;
using System.Text;

namespace WsServer.Tests.Support;

/// <summary>
/// A WebSocket made by hand on a TCP connection: sends what no proper client would, answers nothing by itself, and
/// can stop reading.
/// </summary>
internal sealed class RawWebSocket : IDisposable
{
    private readonly RawConnection _connection;
    private readonly Stream _stream;

    private RawWebSocket(RawConnection connection)
    {
        _connection = connection;
        _stream = connection.Stream;
    }

    /// <summary>The HTTP status of the answer.</summary>
    public int Status { get; private set; }

    /// <summary>The headers of the answer, by their names in lower case.</summary>
    public Dictionary<string, string> Headers { get; } = [];

    /// <summary>The id that <c>connected</c> gave.</summary>
    public string Sid { get; private set; } = "";

    /// <summary>Sends an upgrade request and reads the answer, whatever it is.</summary>
    /// <param name="host">The server.</param>
    /// <param name="path">The path and query.</param>
    /// <param name="receiveBuffer">How much the system may take in before the program reads.</param>
    /// <param name="headers">Header lines that are added, or that replace those of the same name.</param>
    public static Task<RawWebSocket> RequestAsync(EventServerHost host, string path = "/", int? receiveBuffer = null, params string[] headers) =>
        RequestAsync(host, path, receiveBuffer, headers, []);

    /// <summary>Sends frames in one piece with the upgrade request, without waiting for the answer to that.</summary>
    public static Task<RawWebSocket> RequestEagerlyAsync(EventServerHost host, byte[] frames) => RequestAsync(host, "/", null, [], frames);

    /// <summary>Connects, reads the <c>connected</c> of the namespace, and waits until the socket is in it.</summary>
    public static async Task<RawWebSocket> ConnectAsync(EventServerHost host, string path = "/", int? receiveBuffer = null)
    {
        RawWebSocket raw = await RequestAsync(host, path, receiveBuffer);
        if (raw.Status != 101)
        {
            throw new InvalidOperationException($"The server answered {raw.Status}.");
        }

        RawFrame connected = await raw.ReadAsync();
        raw.Sid = connected.Json.GetProperty("sid").GetString()!;
        await Within.UntilAsync(() => host.Io.Namespaces.Any(n => n.FindSocket(raw.Sid) is not null), "the socket is in its namespace");

        return raw;
    }

    public Task SendTextAsync(string text) => SendAsync(RawFrame.Text, Encoding.UTF8.GetBytes(text));

    /// <summary>Sends one frame, with whatever is wrong about it.</summary>
    /// <param name="opcode">The lower four bits of the first byte.</param>
    /// <param name="payload">The payload, before masking.</param>
    /// <param name="isFinal">The FIN bit.</param>
    /// <param name="reserved">The three reserved bits, as the bits 0x70 of the first byte.</param>
    /// <param name="isMasked">Whether it is masked, as a client must.</param>
    public Task SendAsync(int opcode, byte[] payload, bool isFinal = true, int reserved = 0, bool isMasked = true) =>
        SendBytesAsync(ClientFrame.Encode(opcode, payload, isFinal, reserved, isMasked));

    /// <summary>Sends bytes as they are, in one write.</summary>
    public Task SendBytesAsync(byte[] bytes) => _stream.WriteAsync(bytes).AsTask();

    public Task SendCloseAsync(int status, string reason = "") => SendAsync(RawFrame.Close, [(byte)(status >> 8), (byte)status, .. Encoding.UTF8.GetBytes(reason)]);

    /// <summary>Reads the next frame.</summary>
    public async Task<RawFrame> ReadAsync() => await TryReadAsync() ?? throw new InvalidOperationException("The connection ended.");

    /// <summary>Reads frames up to one of this kind, and returns that.</summary>
    public async Task<RawFrame> ReadAsync(int opcode)
    {
        RawFrame frame;
        do
        {
            frame = await ReadAsync();
        }
        while (frame.Opcode != opcode);
        return frame;
    }

    /// <summary>Reads everything until the connection ends.</summary>
    public async Task<List<RawFrame>> ReadToEndAsync()
    {
        List<RawFrame> all = [];
        while (await TryReadAsync() is { } frame)
        {
            all.Add(frame);
        }

        return all;
    }

    /// <summary>Reads the next frame, or null when the connection has ended or is broken.</summary>
    public async Task<RawFrame?> TryReadAsync()
    {
        using var timeout = new CancellationTokenSource(Within.Reason);
        try
        {
            byte[] head = new byte[2];
            await _stream.ReadExactlyAsync(head, timeout.Token);
            long length = head[1] & 0x7f;
            if (length >= 126)
            {
                byte[] more = new byte[length == 126 ? 2 : 8];
                await _stream.ReadExactlyAsync(more, timeout.Token);
                length = more.Length == 2 ? BinaryPrimitives.ReadUInt16BigEndian(more) : (long)BinaryPrimitives.ReadUInt64BigEndian(more);
            }

            byte[] payload = new byte[length];
            await _stream.ReadExactlyAsync(payload, timeout.Token);
            return new RawFrame(head[0] & 0x0f, (head[0] & 0x80) != 0, payload, Reserved: head[0] & 0x70);
        }
        catch (IOException)
        {
            return null;
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException("Waited in vain for a frame.");
        }
    }

    /// <inheritdoc cref="RawConnection.EndSendingAsync" />
    public Task EndSendingAsync() => _connection.EndSendingAsync();

    /// <inheritdoc cref="RawConnection.Reset" />
    public void Reset() => _connection.Reset();

    public void Dispose() => _connection.Dispose();

    private static string NameOf(string header) => header[..header.IndexOf(':', StringComparison.Ordinal)].ToLowerInvariant();

    private static async Task<RawWebSocket> RequestAsync(EventServerHost host, string path, int? receiveBuffer, string[] headers, byte[] first)
    {
        var raw = new RawWebSocket(await RawConnection.OpenAsync(host.Http, receiveBuffer));
        string[] standard =
        [
            $"Host: {host.Http.Authority}", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ];
        string[] names = [.. headers.Select(NameOf)];
        IEnumerable<string> lines = [$"GET {path} HTTP/1.1", .. standard.Where(h => !names.Contains(NameOf(h))), .. headers, "", ""];
        await raw.SendBytesAsync([.. Encoding.ASCII.GetBytes(string.Join("\r\n", lines)), .. first]);
        await raw.ReadHeadAsync();
        return raw;
    }

    private async Task ReadHeadAsync()
    {
        using var timeout = new CancellationTokenSource(Within.Reason);
        var head = new StringBuilder();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await _stream.ReadExactlyAsync(one, timeout.Token);
            head.Append((char)one[0]);
        }

        string[] lines = head.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Status = int.Parse(lines[0].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        foreach (string line in lines.Skip(1))
        {
            Headers[NameOf(line)] = line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        }
    }
}

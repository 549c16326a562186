using System.Globalization;
using System.Text;

namespace WsServer.Tests.Support;

/// <summary>One response as it came.</summary>
internal sealed record RawResponse(int Status, Dictionary<string, string> Headers, byte[] Body)
{
    public string Text => Encoding.UTF8.GetString(Body);
}

/// <summary>HTTP/1.1 made by hand on one connection: requests as one likes, responses read as slowly as one likes.</summary>
internal sealed class RawHttp : IDisposable
{
    private readonly RawConnection _connection;
    private readonly int _readBytes;
    private readonly byte[] _buffer;
    private int _start;
    private int _end;

    private RawHttp(RawConnection connection, int readBytes)
    {
        _connection = connection;
        _readBytes = readBytes;
        _buffer = new byte[readBytes];
    }

    /// <summary>Connects.</summary>
    /// <param name="server">The address.</param>
    /// <param name="receiveBuffer">How much the system may take in before the program reads.</param>
    /// <param name="readBytes">How many bytes are read at a time.</param>
    public static async Task<RawHttp> ConnectAsync(Uri server, int? receiveBuffer = null, int readBytes = 16 * 1024) =>
        new(await RawConnection.OpenAsync(server, receiveBuffer), readBytes);

    public static string Get(string path, params string[] headers) =>
        string.Join("\r\n", [$"GET {path} HTTP/1.1", "Host: localhost", .. headers, "", ""]);

    public Task SendAsync(string request) => SendAsync(Encoding.ASCII.GetBytes(request));

    public async Task SendAsync(byte[] bytes) => await _connection.Stream.WriteAsync(bytes);

    public async Task<RawResponse> GetAsync(string path, params string[] headers)
    {
        await SendAsync(Get(path, headers));
        return await ReadAsync();
    }

    /// <summary>Reads a response, which says how long it is or comes in chunks.</summary>
    public async Task<RawResponse> ReadAsync()
    {
        (int status, Dictionary<string, string> headers) = await ReadHeadAsync();
        var body = new MemoryStream();
        if (headers.TryGetValue("content-length", out string? length))
        {
            await ReadToAsync(body, int.Parse(length, CultureInfo.InvariantCulture));
        }
        else if (headers.GetValueOrDefault("transfer-encoding") == "chunked")
        {
            int chunk;
            do
            {
                chunk = int.Parse(await ReadLineAsync(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                await ReadToAsync(body, chunk);
                await ReadLineAsync();
            }
            while (chunk > 0);
        }

        return new RawResponse(status, headers, body.ToArray());
    }

    public async Task<(int Status, Dictionary<string, string> Headers)> ReadHeadAsync()
    {
        string first = await ReadLineAsync();
        var headers = new Dictionary<string, string>();
        string line;
        while ((line = await ReadLineAsync()).Length > 0)
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            headers[line[..colon].ToLowerInvariant()] = line[(colon + 1)..].Trim();
        }

        return (int.Parse(first.Split(' ')[1], CultureInfo.InvariantCulture), headers);
    }

    /// <summary>Reads this many bytes, whatever they are.</summary>
    public async Task<byte[]> ReadBytesAsync(int count)
    {
        var bytes = new MemoryStream();
        await ReadToAsync(bytes, count);
        return bytes.ToArray();
    }

    /// <summary>Whether the server has closed, and nothing more has come.</summary>
    public async Task<bool> IsOverAsync() => !await FillAsync();

    /// <inheritdoc cref="RawConnection.Reset" />
    public void Reset() => _connection.Reset();

    public void Dispose() => _connection.Dispose();

    private async Task ReadToAsync(MemoryStream target, int count)
    {
        while (count > 0)
        {
            await RequireAsync();
            int taken = Math.Min(count, _end - _start);
            target.Write(_buffer, _start, taken);
            _start += taken;
            count -= taken;
        }
    }

    private async Task<string> ReadLineAsync()
    {
        var line = new StringBuilder();
        while (true)
        {
            await RequireAsync();
            char next = (char)_buffer[_start++];
            if (next == '\n')
            {
                return line.ToString().TrimEnd('\r');
            }

            line.Append(next);
        }
    }

    private async Task RequireAsync()
    {
        if (_start == _end && !await FillAsync())
        {
            throw new InvalidOperationException("The connection ended.");
        }
    }

    private async Task<bool> FillAsync()
    {
        if (_start < _end)
        {
            return true;
        }

        _start = 0;
        using var timeout = new CancellationTokenSource(Within.Reason);
        _end = await _connection.Stream.ReadAsync(_buffer.AsMemory(0, _readBytes), timeout.Token);
        return _end > 0;
    }
}

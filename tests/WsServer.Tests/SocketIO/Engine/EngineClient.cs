using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using WsServer.Tests.Support;

namespace WsServer.Tests.SocketIO.Engine;

/// <summary>A response, read.</summary>
internal sealed record EngineResponse(HttpStatusCode Status, string Body, string? ContentType, string? CacheControl)
{
    /// <summary>The status and the code of an error, as <c>400 3</c>; of a success, the status.</summary>
    public string Code => Status == HttpStatusCode.OK ? "200" : $"{(int)Status} {JsonElement.Parse(Body).GetProperty("code").GetInt32()}";
}

/// <summary>The requests of an Engine.IO client, one by one.</summary>
internal sealed class EngineClient(Uri url) : IDisposable
{
    public const char Separator = '\u001e';

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = Within.Reason };

    private string _more = "";

    public string Sid { get; private set; } = "";

    /// <summary>A client that has a session over polling.</summary>
    public static async Task<EngineClient> OpenAsync(EngineHost host)
    {
        var client = new EngineClient(host.Http);
        await client.OpenAsync();
        await host.SessionAsync(client.Sid);
        return client;
    }

    /// <summary>Opens a session over polling.</summary>
    /// <param name="more">More of the query, for all requests of the session, as clients do it.</param>
    public async Task OpenAsync(string more = "")
    {
        _more = more;
        EngineResponse response = await RequestAsync("EIO=4&transport=polling" + more);
        Sid = JsonElement.Parse(response.Body[1..]).GetProperty("sid").GetString()!;
    }

    /// <summary>Sends any request.</summary>
    public async Task<EngineResponse> RequestAsync(string query, string method = "GET", HttpContent? content = null, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(url, "?" + query)) { Content = content };
        using HttpResponseMessage response = await _http.SendAsync(request, cancellationToken);
        string body = await response.Content.ReadAsStringAsync(cancellationToken);
        return new EngineResponse(response.StatusCode, body, response.Content.Headers.ContentType?.ToString(), response.Headers.CacheControl?.ToString());
    }

    /// <summary>Polls.</summary>
    public Task<EngineResponse> GetAsync(CancellationToken cancellationToken = default) =>
        RequestAsync($"EIO=4&transport=polling&sid={Sid}{_more}", cancellationToken: cancellationToken);

    /// <summary>Polls until this many packets have come, and gives them one by one.</summary>
    public async Task<List<string>> GetPacketsAsync(int count)
    {
        var packets = new List<string>();
        while (packets.Count < count)
        {
            packets.AddRange((await GetAsync()).Body.Split(Separator));
        }

        return packets;
    }

    /// <summary>Posts packets.</summary>
    public Task<EngineResponse> PostAsync(params string[] packets) => PostAsync(new StringContent(string.Join(Separator, packets), Encoding.UTF8, "text/plain"));

    /// <summary>Posts a body.</summary>
    public Task<EngineResponse> PostAsync(HttpContent content, CancellationToken cancellationToken = default) =>
        RequestAsync($"EIO=4&transport=polling&sid={Sid}{_more}", "POST", content, cancellationToken);

    /// <summary>Opens a WebSocket, by default one that is to become the session's.</summary>
    public async Task<EngineWebSocket> ConnectAsync(string? query = null) =>
        await EngineWebSocket.ConnectAsync(new UriBuilder(url) { Scheme = "ws", Query = query ?? $"EIO=4&transport=websocket&sid={Sid}{_more}" }.Uri);

    /// <summary>Goes over to a WebSocket.</summary>
    public async Task<EngineWebSocket> UpgradeAsync()
    {
        EngineWebSocket socket = await ConnectAsync();
        await socket.SendAsync("2probe");
        if (await socket.ReceiveAsync() is not "3probe" and var other)
        {
            throw new InvalidOperationException($"The probe was answered '{other}'.");
        }

        await socket.SendAsync("5");
        return socket;
    }

    public void Dispose() => _http.Dispose();
}

/// <summary>A WebSocket, in packets.</summary>
internal sealed class EngineWebSocket : IDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly byte[] _buffer = new byte[100_000];

    public static async Task<EngineWebSocket> ConnectAsync(Uri url, Action<ClientWebSocketOptions>? options = null)
    {
        var socket = new EngineWebSocket();
        socket._socket.Options.CollectHttpResponseDetails = true;
        options?.Invoke(socket._socket.Options);
        using var timeout = new CancellationTokenSource(Within.Reason);
        try
        {
            await socket._socket.ConnectAsync(url, timeout.Token);
        }
        catch (WebSocketException) when (socket._socket.HttpStatusCode != 0)
        {
            throw new HttpRequestException("Refused.", null, socket._socket.HttpStatusCode);
        }

        return socket;
    }

    public async Task SendAsync(string text) =>
        await _socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

    public async Task SendAsync(byte[] binary) =>
        await _socket.SendAsync(binary, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);

    /// <summary>The next packet; a binary one as base64 behind a <c>b</c>; null when the server has closed.</summary>
    public async Task<string?> ReceiveAsync()
    {
        using var timeout = new CancellationTokenSource(Within.Reason);
        int length = 0;
        while (true)
        {
            ValueWebSocketReceiveResult result;
            try
            {
                result = await _socket.ReceiveAsync(_buffer.AsMemory(length), timeout.Token);
            }
            catch (WebSocketException)
            {
                return null;
            }

            length += result.Count;
            if (result.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            if (result.EndOfMessage)
            {
                return result.MessageType == WebSocketMessageType.Text ? Encoding.UTF8.GetString(_buffer, 0, length) : "b" + Convert.ToBase64String(_buffer, 0, length);
            }
        }
    }

    public WebSocketCloseStatus? CloseStatus => _socket.CloseStatus;

    public void Dispose() => _socket.Dispose();
}

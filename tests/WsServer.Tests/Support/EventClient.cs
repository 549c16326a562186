using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace WsServer.Tests.Support;

/// <summary>One message of the server: its envelope, and the attachments when it was binary.</summary>
internal sealed record Received(JsonElement Json, bool IsBinary, byte[] Attachments);

/// <summary>A client that speaks the protocol by hand over the framework's WebSocket, and reads all the time.</summary>
internal sealed class EventClient : IAsyncDisposable
{
    private readonly WebSocket _webSocket;
    private readonly Lock _gate = new();
    private readonly List<Received> _waiting = [];
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly Task _reading;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isOver;
    private int _lastId = 1_000_000;

    /// <summary>Speaks over a WebSocket that is open already.</summary>
    public EventClient(WebSocket webSocket)
    {
        _webSocket = webSocket;
        _reading = ReadAsync();
    }

    /// <summary>The id that <c>connected</c> gave, in the namespace of the URL.</summary>
    public string Sid { get; private set; } = "";

    public string? SubProtocol => _webSocket.SubProtocol;

    /// <summary>The code with which the server closed, known after <see cref="ClosedAsync"/>.</summary>
    public int? CloseStatus => (int?)_webSocket.CloseStatus;

    /// <summary>What has arrived and was not asked for yet.</summary>
    public IReadOnlyList<Received> Waiting
    {
        get
        {
            lock (_gate)
            {
                return [.. _waiting];
            }
        }
    }

    /// <summary>Opens a connection, and does not wait for a message.</summary>
    public static Task<EventClient> OpenAsync(EventServerHost host, string path = "/", Action<ClientWebSocketOptions>? options = null) =>
        OpenAsync(host.Ws(path), options);

    /// <inheritdoc cref="OpenAsync(EventServerHost, string, Action{ClientWebSocketOptions})" />
    public static async Task<EventClient> OpenAsync(Uri url, Action<ClientWebSocketOptions>? options = null)
    {
        var webSocket = new ClientWebSocket();
        webSocket.Options.Proxy = null;
        options?.Invoke(webSocket.Options);
        using var timeout = new CancellationTokenSource(Within.Reason);
        await webSocket.ConnectAsync(url, timeout.Token);
        return new EventClient(webSocket);
    }

    /// <summary>Opens a connection and waits until it has joined its namespace.</summary>
    public static async Task<EventClient> ConnectAsync(EventServerHost host, string path = "/", Action<ClientWebSocketOptions>? options = null)
    {
        EventClient client = await OpenAsync(host, path, options);
        await client.WelcomedAsync();
        return client;
    }

    /// <summary>Waits for a <c>connected</c>.</summary>
    public async Task<JsonElement> WelcomedAsync()
    {
        JsonElement connected = await ExpectAsync("connected");
        Sid = connected.GetProperty("sid").GetString()!;
        return connected;
    }

    public Task SendAsync(string envelope) => SendAsync(Encoding.UTF8.GetBytes(envelope), WebSocketMessageType.Text);

    /// <summary>Sends, unless the server has closed in the meantime; then false.</summary>
    public async Task<bool> TrySendAsync(string envelope)
    {
        try
        {
            await SendAsync(envelope);
            return true;
        }
        catch (Exception exception) when (exception is WebSocketException or IOException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Sends a binary message: an envelope, a zero byte, the attachments.</summary>
    public Task SendBinaryAsync(string envelope, params byte[] attachments) =>
        SendAsync((byte[])[.. Encoding.UTF8.GetBytes(envelope), 0, .. attachments], WebSocketMessageType.Binary);

    public async Task SendAsync(ReadOnlyMemory<byte> message, WebSocketMessageType type)
    {
        await _sending.WaitAsync();
        try
        {
            await _webSocket.SendAsync(message, type, endOfMessage: true, CancellationToken.None);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Emits an event with an id and waits for its ack.</summary>
    /// <param name="name">The event.</param>
    /// <param name="data">Its argument as JSON; none when null.</param>
    /// <param name="ns">The namespace, unless it is the URL's.</param>
    public async Task<JsonElement> AskAsync(string name, string? data = null, string? ns = null)
    {
        int id = Interlocked.Increment(ref _lastId);
        string rest = (data is null ? "" : $",\"data\":{data}") + (ns is null ? "" : $",\"ns\":\"{ns}\"");
        await SendAsync(string.Create(CultureInfo.InvariantCulture, $"{{\"event\":\"{name}\",\"id\":{id}{rest}}}"));
        return await AckAsync(id);
    }

    /// <summary>Waits for the ack of a numeric id.</summary>
    public Task<JsonElement> AckAsync(long id) => ExpectAsync(
        m => m.TryGetProperty("ack", out JsonElement ack) && ack.ValueKind == JsonValueKind.Number && ack.GetInt64() == id,
        string.Create(CultureInfo.InvariantCulture, $"the ack of {id}"));

    /// <summary>Waits for an event, whatever its namespace.</summary>
    public Task<JsonElement> EventAsync(string name) => ExpectAsync(
        m => m.TryGetProperty("event", out JsonElement e) && e.GetString() == name, $"the event {name}");

    /// <summary>Waits for a bare error with this code, and returns the error.</summary>
    public async Task<JsonElement> ErrorAsync(string code) => (await ExpectAsync(
        m => m.EnumerateObject().First().NameEquals("error") && m.GetProperty("error").GetProperty("code").GetString() == code, $"the error {code}")).GetProperty("error");

    /// <summary>Waits for a message with this verb.</summary>
    public Task<JsonElement> ExpectAsync(string verb) => ExpectAsync(m => m.EnumerateObject().First().NameEquals(verb), $"'{verb}'");

    /// <summary>Waits for a message, and leaves all others where they are.</summary>
    public async Task<JsonElement> ExpectAsync(Predicate<JsonElement> match, string what) => (await ReceiveAsync(r => match(r.Json), what)).Json;

    /// <summary>Waits for the next message, whatever it is.</summary>
    public async Task<JsonElement> NextAsync() => (await ReceiveAsync(_ => true, "a message")).Json;

    public async Task<Received> ReceiveAsync(Predicate<Received> match, string what)
    {
        using var timeout = new CancellationTokenSource(Within.Reason);
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                int index = _waiting.FindIndex(match);
                if (index >= 0)
                {
                    Received found = _waiting[index];
                    _waiting.RemoveAt(index);
                    return found;
                }

                if (_isOver)
                {
                    throw new InvalidOperationException($"The connection ended ({CloseStatus}) before {what} came. There is: {Describe()}");
                }

                changed = _changed.Task;
            }

            try
            {
                await changed.WaitAsync(timeout.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"Waited in vain for {what}. There is: {Describe()}");
            }
        }
    }

    /// <summary>After this, what the server had sent before is in <see cref="Waiting"/>.</summary>
    public async Task SyncAsync()
    {
        string mark = Guid.NewGuid().ToString("N");
        await SendAsync($"{{\"ping\":\"{mark}\"}}");
        await ExpectAsync(m => m.TryGetProperty("pong", out JsonElement pong) && pong.ValueKind == JsonValueKind.String && pong.GetString() == mark, "the pong");
    }

    /// <summary>The arguments of all events of this name that have arrived and were not asked for.</summary>
    public async Task<List<JsonElement>> EventsSoFarAsync(string name)
    {
        await SyncAsync();
        return [.. Waiting.Where(r => r.Json.TryGetProperty("event", out JsonElement e) && e.GetString() == name).Select(r => r.Json)];
    }

    /// <summary>Waits until the server has closed; the answer to its close is sent.</summary>
    public async Task<int?> ClosedAsync()
    {
        await Within.TimeAsync(_reading, "the close");
        return CloseStatus;
    }

    /// <summary>Closes, and waits for the answer.</summary>
    public async Task CloseAsync()
    {
        await _webSocket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        await ClosedAsync();
    }

    /// <summary>Breaks the connection without a goodbye.</summary>
    public void Abort() => _webSocket.Abort();

    public async ValueTask DisposeAsync()
    {
        _webSocket.Abort();
        await _reading;
        _webSocket.Dispose();
    }

    private string Describe()
    {
        lock (_gate)
        {
            return string.Join("\n", _waiting.TakeLast(20).Select(r => r.Json.GetRawText()));
        }
    }

    private async Task ReadAsync()
    {
        byte[] buffer = new byte[16 * 1024];
        var message = new MemoryStream();
        try
        {
            while (true)
            {
                ValueWebSocketReceiveResult result = await _webSocket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
                if (result.MessageType == WebSocketMessageType.Close)
                {
                    if (_webSocket.State == WebSocketState.CloseReceived)
                    {
                        await _webSocket.CloseOutputAsync(_webSocket.CloseStatus ?? WebSocketCloseStatus.Empty, null, CancellationToken.None);
                    }

                    break;
                }

                message.Write(buffer, 0, result.Count);
                if (result.EndOfMessage)
                {
                    Add(message.ToArray(), result.MessageType == WebSocketMessageType.Binary);
                    message.SetLength(0);
                }
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or InvalidOperationException or IOException)
        {
            // Broken, by either side, or disposed between two messages: what has arrived can still be asked for.
        }

        lock (_gate)
        {
            _isOver = true;
            _changed.TrySetResult();
        }
    }

    private void Add(byte[] message, bool isBinary)
    {
        int end = isBinary ? Array.IndexOf(message, (byte)0) : message.Length;
        var received = new Received(JsonElement.Parse(message.AsSpan(0, end)), isBinary, isBinary ? message[(end + 1)..] : []);
        lock (_gate)
        {
            _waiting.Add(received);
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}

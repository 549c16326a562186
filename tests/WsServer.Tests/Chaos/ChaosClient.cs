using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace WsServer.Tests.Chaos;

/// <summary>
/// A client on a bad connection. It sends numbered events with ids, notes each ack, and expects nothing: whatever breaks ends
/// it. It never throws for what the network does.
/// </summary>
internal sealed class ChaosClient : IDisposable
{
    private readonly ClientWebSocket _webSocket = new();
    private readonly List<int> _acks = [];
    private readonly List<int> _ticks = [];
    private readonly SemaphoreSlim _sending = new(1, 1);
    private volatile int _ackCount;

    /// <summary>The ids that were acked, in the order in which the acks came.</summary>
    public IReadOnlyList<int> Acks => _acks;

    /// <summary>The numbers that everybody was sent.</summary>
    public IReadOnlyList<int> Ticks => _ticks;

    /// <summary>What was told its <c>connected</c>; null if that never came.</summary>
    public string? Sid { get; private set; }

    /// <summary>How many messages could not be read as JSON.</summary>
    public int Unreadable { get; private set; }

    /// <summary>Whether all that was sent is acked.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Connects, sends, and reads until all is acked or the connection is broken.</summary>
    /// <param name="url">Where the proxy listens.</param>
    /// <param name="count">How many events.</param>
    /// <param name="patience">How long no ack may come before the client gives up and leaves.</param>
    public async Task RunAsync(Uri url, int count, TimeSpan patience)
    {
        _webSocket.Options.Proxy = null;
        try
        {
            using var connecting = new CancellationTokenSource(patience);
            await _webSocket.ConnectAsync(url, connecting.Token);
            Task sending = SendAllAsync(count);
            await ReadAsync(count, patience);
            if (IsDone)
            {
                await sending;
                using var closing = new CancellationTokenSource(patience);
                await _webSocket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, closing.Token);
            }

            _webSocket.Abort();
            await sending;
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            _webSocket.Abort();
        }
    }

    public void Dispose()
    {
        _webSocket.Dispose();
        _sending.Dispose();
    }

    private static bool IsBroken(Exception exception) =>
        exception is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException;

    private async Task SendAllAsync(int count)
    {
        try
        {
            for (int i = 0; i < count; i++)
            {
                await SendAsync($$"""{"event":"number","data":{{i}},"id":{{i}}}""");
                if (i % 10 == 9)
                {
                    await SendAsync($$"""{"event":"ask-me","data":{{i}}}""");
                }

                // No more under way than a client's window would have.
                await WaitForAckAsync(i - 50);
            }
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            // The reader finds out as well.
        }
    }

    private async Task WaitForAckAsync(int number)
    {
        while (_ackCount <= number && _webSocket.State == WebSocketState.Open)
        {
            await Task.Delay(1);
        }
    }

    private async Task SendAsync(string text)
    {
        await _sending.WaitAsync();
        try
        {
            await _webSocket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task ReadAsync(int count, TimeSpan patience)
    {
        byte[] buffer = new byte[64 * 1024];
        using var timeout = new CancellationTokenSource(patience);
        while (!IsDone)
        {
            int length = 0;
            ValueWebSocketReceiveResult result;
            do
            {
                result = await _webSocket.ReceiveAsync(buffer.AsMemory(length), timeout.Token);
                length += result.Count;
            }
            while (!result.EndOfMessage && length < buffer.Length);
            if (result.MessageType == WebSocketMessageType.Close || !result.EndOfMessage)
            {
                return;
            }

            int acked = _acks.Count;
            await TakeAsync(buffer.AsMemory(0, length));
            if (_acks.Count > acked)
            {
                timeout.CancelAfter(patience);
            }

            IsDone = _acks.Count == count;
        }
    }

    private async Task TakeAsync(ReadOnlyMemory<byte> message)
    {
        try
        {
            await TakeAsync(JsonElement.Parse(message.Span));
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or FormatException)
        {
            // Changed on its way.
            Unreadable++;
        }
    }

    private async Task TakeAsync(JsonElement envelope)
    {
        if (envelope.TryGetProperty("connected", out _))
        {
            Sid = envelope.GetProperty("sid").GetString();
        }
        else if (envelope.TryGetProperty("ack", out JsonElement ack) && ack.TryGetInt32(out int id) && envelope.TryGetProperty("data", out JsonElement data)
            && data.ValueKind == JsonValueKind.Number)
        {
            _acks.Add(id);
            _ackCount = _acks.Count;
        }
        else if (envelope.TryGetProperty("event", out JsonElement name) && name.GetString() == "tick")
        {
            _ticks.Add(envelope.GetProperty("data").GetInt32());
        }
        else if (name.ValueKind == JsonValueKind.String && name.GetString() == "question")
        {
            await SendAsync($$"""{"ack":{{envelope.GetProperty("id").GetInt64()}},"data":{{envelope.GetProperty("data").GetRawText()}}}""");
        }
    }
}

using System.Text;
using System.Text.Json;
using WsServer.Soak.Wire;

namespace WsServer.Soak.Actors;

/// <summary>A connection of Socket.IO that stays with HTTP long-polling.</summary>
internal sealed class PollingLink : Link
{
    private const char Separator = '\u001e';

    private readonly HttpClient _http;
    private readonly SemaphoreSlim _posting = new(1, 1);
    private readonly Queue<string> _packets = new();
    private readonly CancellationTokenSource _cut = new();
    private volatile bool _isLeaving;
    private string _query = "?EIO=4&transport=polling";

    private PollingLink(int port) => _http = new HttpClient(new SocketsHttpHandler { UseProxy = false })
    {
        BaseAddress = new UriBuilder("http", "127.0.0.1", port, "/socket.io/").Uri,
        Timeout = TimeSpan.FromMinutes(2),
    };

    public static async Task<PollingLink> OpenAsync(int port)
    {
        var link = new PollingLink(port);
        string open = await link._http.GetStringAsync(new Uri(link._query, UriKind.Relative));
        link._query += "&sid=" + JsonElement.Parse(open[1..]).GetProperty("sid").GetString();
        await link.PostAsync("40/chat,");
        return link;
    }

    public override Task EmitAsync(string name, string json, long id, string? ns = null) => PostAsync(SocketIoLink.Encode(name, json, id));

    public override async Task<News?> NextAsync()
    {
        try
        {
            while (true)
            {
                while (_packets.TryDequeue(out string? packet))
                {
                    if (packet is "1" or "6")
                    {
                        return null;
                    }

                    if (News.OfPacket(packet) is { Kind: not NewsKind.EnginePing } news)
                    {
                        return news;
                    }

                    if (_isLeaving)
                    {
                        // The goodbye has overtaken the ping: there is no session any more that a pong could be for.
                        return null;
                    }

                    await PostAsync("3");
                }

                using HttpResponseMessage response = await _http.GetAsync(new Uri(_query, UriKind.Relative), _cut.Token);
                if (!response.IsSuccessStatusCode)
                {
                    return null;
                }

                foreach (string packet in (await response.Content.ReadAsStringAsync(_cut.Token)).Split(Separator))
                {
                    _packets.Enqueue(packet);
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException || (_isLeaving && exception is SoakException))
        {
            return null;
        }
    }

    public override Task LeaveAsync()
    {
        _isLeaving = true;
        return PostAsync("1");
    }

    public override void Cut()
    {
        _isLeaving = true;
        _cut.Cancel();
    }

    public override void Dispose()
    {
        _http.Dispose();
        _posting.Dispose();
        _cut.Dispose();
    }

    private async Task PostAsync(string packet)
    {
        await _posting.WaitAsync();
        try
        {
            using var content = new StringContent(packet, Encoding.UTF8, "text/plain");
            using HttpResponseMessage response = await _http.PostAsync(new Uri(_query, UriKind.Relative), content);
            if (!response.IsSuccessStatusCode)
            {
                throw new SoakException($"A post was answered {(int)response.StatusCode}.");
            }
        }
        finally
        {
            _posting.Release();
        }
    }
}

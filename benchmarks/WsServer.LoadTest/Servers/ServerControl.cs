using System.Net;
using System.Net.Http.Json;

namespace WsServer.LoadTest.Servers;

/// <summary>Asks a server for its counters and for a garbage collection, between the windows.</summary>
internal sealed class ServerControl(int port) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new UriBuilder("http", "127.0.0.1", port).Uri, Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>The counters, nothing if the server has none.</summary>
    public ServerStats? GetStats() => GetAsync<ServerStats>("stats").GetAwaiter().GetResult();

    /// <summary>What has gone to other nodes and come from them, nothing if the server does not count it.</summary>
    public BackplaneStats? GetBackplane() => GetAsync<BackplaneStats>("backplane").GetAwaiter().GetResult();

    /// <summary>False if the server cannot be asked to collect.</summary>
    public bool TryCollect() => TryCollectAsync().GetAwaiter().GetResult();

    public void Dispose() => _http.Dispose();

    private async Task<T?> GetAsync<T>(string path)
    {
        using HttpResponseMessage response = await _http.GetAsync(new Uri(path, UriKind.Relative));
        return response.StatusCode == HttpStatusCode.NotFound
            ? default
            : await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<T>();
    }

    private async Task<bool> TryCollectAsync()
    {
        using HttpResponseMessage response = await _http.PostAsync(new Uri("collect", UriKind.Relative), content: null);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }

        response.EnsureSuccessStatusCode();
        return true;
    }
}

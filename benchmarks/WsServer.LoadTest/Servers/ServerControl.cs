using System.Net;
using System.Net.Http.Json;

namespace WsServer.LoadTest.Servers;

/// <summary>Asks a server for its counters and for a garbage collection, between the windows.</summary>
internal sealed class ServerControl(int port) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new UriBuilder("http", "127.0.0.1", port).Uri, Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>The counters, nothing if the server has none.</summary>
    public ServerStats? GetStats() => GetStatsAsync().GetAwaiter().GetResult();

    /// <summary>False if the server cannot be asked to collect.</summary>
    public bool TryCollect() => TryCollectAsync().GetAwaiter().GetResult();

    public void Dispose() => _http.Dispose();

    private async Task<ServerStats?> GetStatsAsync()
    {
        using HttpResponseMessage response = await _http.GetAsync(new Uri("stats", UriKind.Relative));
        return response.StatusCode == HttpStatusCode.NotFound
            ? null
            : await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<ServerStats>();
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

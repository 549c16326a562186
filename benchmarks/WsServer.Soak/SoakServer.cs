using System.Globalization;
using System.Net.Http.Json;
using WsServer.LoadTest.Dialects;
using WsServer.LoadTest.Servers;
using WsServer.Soak.Wire;

namespace WsServer.Soak;

/// <summary>What the server holds: see <c>WsServer.SoakServer</c>.</summary>
internal sealed record Counts(
    int Connections, int Sockets, int Rooms, int PendingAcks, int CutOff, long Timers, long Rents, long RentedBuffers, int Errors, string? LastError);

/// <summary>The server in a process of its own, and what it tells about itself.</summary>
internal sealed class SoakServer : IDisposable
{
    /// <summary>How long it keeps who was cut off: short, so that the end of that is seen.</summary>
    public static readonly TimeSpan RecoveryWindow = TimeSpan.FromSeconds(20);

    private readonly ServerProcess _process;
    private readonly ServerControl _control;
    private readonly HttpClient _http;

    private SoakServer(ServerProcess process)
    {
        _process = process;
        _control = new ServerControl(process.Port);
        _http = new HttpClient { BaseAddress = new UriBuilder("http", "127.0.0.1", process.Port).Uri, Timeout = WireClient.Patience };
    }

    public int Port => _process.Port;

    public TimeSpan CpuTime => _process.CpuTime;

    public long ResidentBytes => _process.ResidentBytes;

    public static SoakServer Start()
    {
        var kind = new ServerKind("soak", "Soak", "WsServer.SoakServer", [], new EnvelopeDialect());
        Folders folders = Folders.Find();
        ServerBuild.Prepare(folders, [kind]);
        var environment = new Dictionary<string, string>
        {
            ["DOTNET_ENVIRONMENT"] = "Production",
            ["Events__RecoveryWindow"] = RecoveryWindow.ToString("c", CultureInfo.InvariantCulture),
        };
        return new SoakServer(ServerProcess.Start(kind, folders, environment));
    }

    public async Task<Counts> CountAsync() => (await _http.GetFromJsonAsync<Counts>(new Uri("counts", UriKind.Relative)))!;

    public async Task CountBuffersAsync() => (await _http.PostAsync(new Uri("buffers", UriKind.Relative), null)).EnsureSuccessStatusCode();

    /// <summary>The managed memory after the last collection.</summary>
    public long GetHeapBytes() => _control.GetStats()!.HeapBytes!.Value;

    /// <summary>The managed memory after a full collection.</summary>
    public long CollectHeap()
    {
        _control.TryCollect();
        return GetHeapBytes();
    }

    /// <summary>Waits until nobody is there any more, and all that remembers them is gone.</summary>
    public async Task<Counts> SettleAsync(TimeSpan patience)
    {
        DateTime end = DateTime.UtcNow + patience;
        Counts counts = await CountAsync();
        while (counts is not { Connections: 0, Sockets: 0, Rooms: 0, PendingAcks: 0, CutOff: 0 } && DateTime.UtcNow < end)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100));
            counts = await CountAsync();
        }

        return counts;
    }

    public void Dispose()
    {
        _http.Dispose();
        _control.Dispose();
        _process.Dispose();
    }
}

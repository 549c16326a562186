using System.Globalization;
using System.Text.Json;

namespace WsServer.Tests.Support;

/// <summary>A client that notes its session and the last event it has had, is cut off, and comes back.</summary>
internal sealed class RecoveringClient(EventServerHost host, string path = "/") : IAsyncDisposable
{
    private EventServerHost _host = host;

    /// <summary>The connection of now.</summary>
    public EventClient Connection { get; private set; } = null!;

    public string Session { get; set; } = "";

    public string Sid => Connected.GetProperty("sid").GetString()!;

    /// <summary>The last event it has had; null before there was a word of any.</summary>
    public long? Seq { get; set; }

    /// <summary>The last <c>connected</c>.</summary>
    public JsonElement Connected { get; private set; }

    public bool IsRecovered => Connected.GetProperty("recovered").GetBoolean();

    public static async Task<RecoveringClient> ConnectAsync(EventServerHost host, string path = "/")
    {
        var client = new RecoveringClient(host, path);
        client.Connection = await EventClient.OpenAsync(host, path + "?recover=1");
        await client.WelcomedAsync();
        return client;
    }

    /// <summary>Breaks the connection, and waits until the server has seen it.</summary>
    public async Task CutAsync()
    {
        EventNamespace ns = _host.Io.Of(path);
        string sid = Sid;
        Connection.Abort();
        await Within.UntilAsync(() => ns.FindSocket(sid) is null, "the server has noticed");
    }

    /// <summary>Opens another connection with what it knows, and waits for nothing. The old one is left as it is.</summary>
    /// <param name="to">Another node of the server to come back to.</param>
    public async Task ReopenAsync(EventServerHost? to = null)
    {
        _host = to ?? _host;
        Connection = await EventClient.OpenAsync(_host, Url);
    }

    /// <summary>Opens another connection, and gives what came before <c>connected</c>.</summary>
    /// <param name="to">Another node of the server to come back to.</param>
    public async Task<List<JsonElement>> ComeBackAsync(EventServerHost? to = null)
    {
        await ReopenAsync(to);
        return await WelcomedAsync();
    }

    /// <summary>The names of what came before <c>connected</c>.</summary>
    /// <param name="to">Another node of the server to come back to.</param>
    public async Task<List<string>> ComeBackToAsync(EventServerHost? to = null) => (await ComeBackAsync(to)).ConvertAll(e => e.GetProperty("event").GetString()!);

    /// <summary>Waits for an event, and has had it.</summary>
    public async Task<JsonElement> EventAsync(string name)
    {
        JsonElement received = await Connection.EventAsync(name);
        Note(received);
        return received;
    }

    public void Note(JsonElement received)
    {
        if (received.TryGetProperty("seq", out JsonElement seq))
        {
            Seq = seq.GetInt64();
        }
    }

    public ValueTask DisposeAsync() => Connection.DisposeAsync();

    private string Url => path + "?session=" + Session + (Seq is { } seq ? "&seq=" + seq.ToString(CultureInfo.InvariantCulture) : "");

    private async Task<List<JsonElement>> WelcomedAsync()
    {
        var before = new List<JsonElement>();
        JsonElement next = await Connection.NextAsync();
        while (!next.TryGetProperty("connected", out _))
        {
            before.Add(next);
            next = await Connection.NextAsync();
        }

        Connected = next;
        Session = Connected.TryGetProperty("session", out JsonElement session) ? session.GetString()! : "";
        Note(Connected);
        return before;
    }
}

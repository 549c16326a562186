using WsServer.Backplane;

namespace WsServer.Tests.Support;

/// <summary>Several nodes of one server, each on a real Kestrel, that know one another.</summary>
internal sealed class TestHosts : IAsyncDisposable
{
    private readonly List<EventServerHost> _hosts = [];
    private readonly LocalExchange _exchange = new();
    private readonly Action<EventServer>? _setup;
    private readonly Action<EventServerOptions>? _options;
    private readonly Action<WebApplication>? _endpoints;

    private TestHosts(Action<EventServer>? setup, Action<EventServerOptions>? options, Action<WebApplication>? endpoints) =>
        (_setup, _options, _endpoints) = (setup, options, endpoints);

    public EventServerHost this[int index] => _hosts[index];

    public int Count => _hosts.Count;

    /// <summary>Starts nodes.</summary>
    /// <param name="count">How many.</param>
    /// <param name="setup">Registers handlers on each.</param>
    /// <param name="options">Sets options of each.</param>
    /// <param name="endpoints">Adds middleware and endpoints to each.</param>
    public static async Task<TestHosts> StartAsync(
        int count, Action<EventServer>? setup = null, Action<EventServerOptions>? options = null, Action<WebApplication>? endpoints = null)
    {
        var hosts = new TestHosts(setup, options, endpoints);
        for (int i = 0; i < count; i++)
        {
            hosts._hosts.Add(await hosts.StartOneAsync());
        }

        await hosts.MeetAsync();
        return hosts;
    }

    /// <summary>Stops a node as a program does that is asked to, and starts another in its place.</summary>
    public async Task RestartAsync(int index)
    {
        await _hosts[index].App.StopAsync();
        await _hosts[index].DisposeAsync();
        _hosts[index] = await StartOneAsync();
        await MeetAsync();
    }

    /// <summary>Cuts a node off from the others without a word, as when its process is killed.</summary>
    public async Task LoseAsync(int index)
    {
        string lost = _hosts[index].Io.Runtime.Node!.Id;
        await _hosts[index].App.Services.GetRequiredService<IBackplane>().DisposeAsync();
        await Within.UntilAsync(() => _hosts.Where((_, i) => i != index).All(h => !h.Io.Runtime.Node!.Nodes.Has(lost)), "the others have noticed");
    }

    /// <summary>Waits until each knows all the others.</summary>
    public Task MeetAsync() => Within.UntilAsync(() => _hosts.TrueForAll(h => h.Io.Nodes.Count == _hosts.Count), "the nodes know one another");

    public async ValueTask DisposeAsync()
    {
        foreach (EventServerHost host in _hosts)
        {
            await host.DisposeAsync();
        }
    }

    private Task<EventServerHost> StartOneAsync() => EventServerHost.StartAsync(
        _setup,
        o =>
        {
            o.Cluster.HeartbeatInterval = TimeSpan.FromMilliseconds(100);
            o.Cluster.NodeTimeout = TimeSpan.FromSeconds(2);
            _options?.Invoke(o);
        },
        services: builder => builder.Services.AddSingleton<IBackplane>(new LocalBackplane(_exchange)),
        endpoints: _endpoints);
}

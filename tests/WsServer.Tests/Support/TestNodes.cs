using System.Text.Json.Nodes;
using WsServer.Backplane;

namespace WsServer.Tests.Support;

/// <summary>Several nodes of one server, in memory, that know one another.</summary>
internal sealed class TestNodes : IAsyncDisposable
{
    private readonly List<InMemoryServer> _nodes = [];

    private TestNodes()
    {
    }

    public InMemoryServer this[int index] => _nodes[index];

    public int Count => _nodes.Count;

    /// <summary>Starts nodes.</summary>
    /// <param name="count">How many.</param>
    /// <param name="setup">Registers handlers on each.</param>
    /// <param name="options">Sets options of each.</param>
    /// <param name="backplane">Makes the backplane of each; one within the process by default.</param>
    /// <param name="time">The time of all.</param>
    public static async Task<TestNodes> StartAsync(
        int count, Action<EventServer>? setup = null, Action<EventServerOptions>? options = null, Func<IBackplane>? backplane = null, TimeProvider? time = null)
    {
        var exchange = new LocalExchange();
        var nodes = new TestNodes();
        for (int i = 0; i < count; i++)
        {
            await nodes.AddAsync(setup, options, backplane?.Invoke() ?? new LocalBackplane(exchange), time);
        }

        await nodes.MeetAsync();
        return nodes;
    }

    /// <summary>Starts one more.</summary>
    public async Task<InMemoryServer> AddAsync(Action<EventServer>? setup, Action<EventServerOptions>? options, IBackplane backplane, TimeProvider? time = null)
    {
        var node = new InMemoryServer(options, time, services => services.AddSingleton(backplane));
        _nodes.Add(node);
        setup?.Invoke(node.Io);
        await node.Io.Runtime.Node!.StartAsync(default);
        return node;
    }

    /// <summary>Waits until each knows all the others.</summary>
    public Task MeetAsync() => TransportPair.UntilAsync(() => _nodes.TrueForAll(n => n.Io.Nodes.Count == _nodes.Count), "the nodes know one another");

    /// <summary>Ends one without a word to the others, as a process that is killed does.</summary>
    public async Task KillAsync(int index)
    {
        InMemoryServer node = _nodes[index];
        _nodes.RemoveAt(index);
        await node.Services.GetRequiredService<IBackplane>().DisposeAsync();
        await node.DisposeAsync();
    }

    /// <summary>Ends one in good order.</summary>
    public async Task StopAsync(int index)
    {
        InMemoryServer node = _nodes[index];
        _nodes.RemoveAt(index);
        await node.Io.Runtime.Node!.StopAsync();
        await node.DisposeAsync();
    }

    /// <summary>Waits for an event and gives its data.</summary>
    public static async Task<JsonNode?> EventAsync(TransportPair client, string name)
    {
        while (true)
        {
            JsonNode message = JsonNode.Parse(await client.ReceiveTextAsync())!;
            if ((string?)message["event"] == name)
            {
                return message["data"];
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (InMemoryServer node in _nodes)
        {
            await node.Io.Runtime.Node!.StopAsync();
        }

        foreach (InMemoryServer node in _nodes)
        {
            await node.DisposeAsync();
        }
    }
}

using System.Globalization;
using System.Text.RegularExpressions;
using WsServer.Tests.EndToEnd;
using WsServer.Tests.Support;

namespace WsServer.Tests.ScaleOut;

/// <summary>Several nodes of <c>src/WsServer</c>, each a process of its own, behind the nginx of the sample.</summary>
internal sealed partial class ServerGroup : IAsyncDisposable
{
    // Short, so that a test that waits for a node to be given up does not take long.
    private static readonly string[] QuickTimes = ["--Events:Cluster:HeartbeatInterval=00:00:00.3", "--Events:Cluster:NodeTimeout=00:00:03"];

    private readonly App?[] _nodes;
    private readonly string[][] _arguments;

    private ServerGroup(int count)
    {
        _nodes = new App[count];
        _arguments = new string[count][];
        Addresses = [.. Enumerable.Range(0, count).Select(_ => new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort.Find()}/")))];
    }

    public Nginx Balancer { get; private set; } = null!;

    /// <summary>Where the nodes are.</summary>
    public IReadOnlyList<Uri> Addresses { get; }

    /// <summary>Starts the nodes and then nginx.</summary>
    /// <param name="brokers">Where each node finds the broker; there are as many nodes.</param>
    /// <param name="arguments">More settings for all.</param>
    public static async Task<ServerGroup> StartAsync(IReadOnlyList<string> brokers, params string[] arguments)
    {
        var group = new ServerGroup(brokers.Count);
        try
        {
            for (int i = 0; i < brokers.Count; i++)
            {
                group._arguments[i] = [$"--Events:RabbitMQ={brokers[i]}", string.Create(CultureInfo.InvariantCulture, $"--Events:Cluster:Name=node-{i}"), .. QuickTimes, .. arguments];
            }

            await Task.WhenAll(Enumerable.Range(0, brokers.Count).Select(group.StartNodeAsync));
            await group.MeetAsync();
            group.Balancer = await Nginx.StartSampleAsync(group.Addresses);
            return group;
        }
        catch
        {
            await group.DisposeAsync();
            throw;
        }
    }

    /// <summary>The node that gave an id: its end is the node's own.</summary>
    public static string NodeOf(string sid) => sid[^8..];

    public RunningProcess Process(int index) => _nodes[index]?.Process ?? throw new InvalidOperationException("The node is not running.");

    /// <summary>Connects through nginx.</summary>
    public Task<EventClient> ConnectAsync(string path = "/") => WelcomedAsync(new Uri(Balancer.Ws, path));

    /// <summary>Connects to one node.</summary>
    public Task<EventClient> ConnectAsync(int index, string path = "/") => WelcomedAsync(new UriBuilder(new Uri(Addresses[index], path)) { Scheme = "ws" }.Uri);

    /// <summary>Connects through nginx, once to each of the nodes.</summary>
    public async Task<EventClient[]> ConnectToEachAsync(string path = "/")
    {
        var found = new Dictionary<string, EventClient>();
        using var timeout = new CancellationTokenSource(Within.Reason);
        while (found.Count < _nodes.Length)
        {
            if (timeout.IsCancellationRequested)
            {
                throw new TimeoutException($"Only {found.Count} of {_nodes.Length} nodes are given clients.");
            }

            EventClient client = await ConnectAsync(path);
            if (!found.TryAdd(NodeOf(client.Sid), client))
            {
                // nginx leaves out a node that was away, for a second.
                await client.DisposeAsync();
                await Task.Delay(20, CancellationToken.None);
            }
        }

        return [.. found.Values];
    }

    /// <summary>Starts a node at its address, for the first time or again.</summary>
    public async Task StartNodeAsync(int index) => _nodes[index] = await App.StartAsync(Addresses[index].Port, _arguments[index]);

    /// <summary>Asks a node to end, and waits until it has.</summary>
    public async Task StopNodeAsync(int index)
    {
        await _nodes[index]!.StopAsync();
        await _nodes[index]!.DisposeAsync();
        _nodes[index] = null;
    }

    /// <summary>Ends a node by SIGKILL.</summary>
    public async Task KillNodeAsync(int index)
    {
        await _nodes[index]!.DisposeAsync();
        _nodes[index] = null;
    }

    /// <summary>What a node's health check says.</summary>
    public async Task<string> HealthAsync(int index)
    {
        using var http = new HttpClient { BaseAddress = Addresses[index], Timeout = Within.Reason };
        return await http.GetStringAsync(new Uri("health/ready", UriKind.Relative));
    }

    /// <summary>Waits until a node's health check says something.</summary>
    public async Task HealthAsync(int index, string word)
    {
        string said = "";
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((said = await HealthAsync(index)) != word)
        {
            if (timeout.IsCancellationRequested)
            {
                throw new TimeoutException($"Node {index} is {said}, and not {word}. It said:\n{Process(index).Transcript}");
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Balancer is not null)
        {
            await Balancer.DisposeAsync();
        }

        foreach (App? node in _nodes)
        {
            if (node is not null)
            {
                await node.DisposeAsync();
            }
        }
    }

    private static async Task<EventClient> WelcomedAsync(Uri url)
    {
        EventClient client = await EventClient.OpenAsync(url);
        try
        {
            await client.WelcomedAsync();
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    // Each has said that each other is there.
    private async Task MeetAsync()
    {
        foreach (App? node in _nodes)
        {
            for (int others = 1; others < _nodes.Length; others++)
            {
                await node!.Process.WaitForLineAsync(NodeIsThere());
            }
        }
    }

    [GeneratedRegex(@"Node .+ is there\.")]
    private static partial Regex NodeIsThere();
}

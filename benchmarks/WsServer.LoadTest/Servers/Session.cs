using WsServer.LoadTest.Client;
using WsServer.LoadTest.Measuring;

namespace WsServer.LoadTest.Servers;

/// <summary>A fresh server of one or several nodes and its clients, for the scenarios of one group.</summary>
internal sealed class Session : IDisposable
{
    private readonly HashSet<string> _warmed = [];
    private readonly List<ServerProcess> _nodes = [];
    private readonly List<ServerControl> _controls = [];
    private long _nextNumber = 1;

    public Session(ServerKind kind, Folders folders, IReadOnlyDictionary<string, string> environment, CancellationToken cancellation)
    {
        Kind = kind;
        Cancellation = cancellation;
        try
        {
            Broker = BrokerProcess.Start(kind.Broker);
            for (int i = 0; i < kind.Nodes; i++)
            {
                _nodes.Add(ServerProcess.Start(kind, folders, environment, Broker is null ? [] : [Broker.Argument]));
                _controls.Add(new ServerControl(_nodes[i].Port));
            }

            Client = new LoadClient([.. _nodes.Select(n => n.Port)], kind.Dialect, cancellation);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public ServerKind Kind { get; }

    public CancellationToken Cancellation { get; }

    /// <summary>The server, or the first of its nodes.</summary>
    public ServerProcess Server => _nodes[0];

    public LoadClient Client { get; } = null!;

    public ServerControl Control => _controls[0];

    /// <summary>What is between the nodes.</summary>
    public BrokerProcess? Broker { get; }

    /// <summary>The CPU time of all nodes so far.</summary>
    public TimeSpan CpuTime => _nodes.Aggregate(TimeSpan.Zero, (sum, node) => sum + node.CpuTime);

    /// <summary>What all nodes have given to the broker and got from it; nothing if they do not count it.</summary>
    public BackplaneStats? GetBackplane() => Broker is null ? null : _controls.Select(c => c.GetBackplane()).Aggregate((a, b) => a is null || b is null ? null : a + b);

    /// <summary>Numbers for messages that no other has used in this session, so that a late one is found out.</summary>
    public long TakeNumbers(long count)
    {
        long first = _nextNumber;
        _nextNumber += count;
        return first;
    }

    /// <summary>How long to warm up for work of a kind.</summary>
    public TimeSpan GetWarmUp(string kind, Timing timing) => _warmed.Add(kind) ? timing.FirstWarmUp : timing.WarmUp;

    public void Dispose()
    {
        // The server first, so that it has no thousands of goodbyes to handle.
        _nodes.ForEach(n => n.Dispose());
        Broker?.Dispose();
        Client?.Dispose();
        _controls.ForEach(c => c.Dispose());
    }
}

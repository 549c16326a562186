using System.Globalization;
using WsServer.LoadTest.Dialects;

namespace WsServer.LoadTest.Servers;

/// <summary>A server that can be measured.</summary>
/// <param name="Name">For the command line.</param>
/// <param name="Title">For the reports.</param>
/// <param name="Project">Its project or, with <see cref="IsNode"/>, its script, relative to <c>benchmarks</c>.</param>
/// <param name="Arguments">What it is told besides its URL.</param>
/// <param name="Dialect">How it is spoken to.</param>
internal sealed record ServerKind(string Name, string Title, string Project, IReadOnlyList<string> Arguments, Dialect Dialect)
{
    /// <summary>The one that the others are compared with.</summary>
    public const string Reference = "signalr";

    /// <summary>All of them, in the order of the reports.</summary>
    public static IReadOnlyList<ServerKind> All { get; } =
    [
        new("wsserver", "WsServer", "WsServer.LoadServer", [], new EnvelopeDialect()),
        new(Reference, "SignalR", "WsServer.LoadPeers", ["--server", "signalr"], new SignalRDialect()),
        new("kestrel", "Kestrel WebSockets", "WsServer.LoadPeers", ["--server", "kestrel"], new EnvelopeDialect()),
        new("socketio", "Socket.IO", "node/socketio.mjs", [], new SocketIoDialect()),
        new("ws", "ws", "node/ws.mjs", [], new EnvelopeDialect()),
    ];

    /// <summary>For <c>--scale-out</c>: one node alone, and several that share rooms.</summary>
    public static IReadOnlyList<ServerKind> ScaleOut { get; } =
    [
        All[0] with { Title = "WsServer alone" },
        All[0].As("wsserver-1", "WsServer, 1 node", 1, BrokerKind.RabbitMQ),
        All[0].As("wsserver-2", "WsServer, 2 nodes", 2, BrokerKind.RabbitMQ),
        All[0].As("wsserver-3", "WsServer, 3 nodes", 3, BrokerKind.RabbitMQ),
        All[0].As("wsserver-3-plain", "3 nodes, 1 shard", 3, BrokerKind.RabbitMQ) with { Arguments = ["--Events:Cluster:Shards=1"] },
        All[3] with { Title = "Socket.IO alone" },
        All[3].As("socketio-2", "Socket.IO, 2 nodes", 2, BrokerKind.Redis),
        All[3].As("socketio-3", "Socket.IO, 3 nodes", 3, BrokerKind.Redis),
    ];

    /// <summary>How many processes it is.</summary>
    public int Nodes { get; private init; } = 1;

    /// <summary>What is between them.</summary>
    public BrokerKind Broker { get; private init; }

    /// <summary>Whether it runs in Node.js.</summary>
    public bool IsNode => Project.EndsWith(".mjs", StringComparison.Ordinal);

    /// <summary>The program that runs it, and its arguments.</summary>
    public (string File, IReadOnlyList<string> Arguments) GetCommand(Folders folders, int port)
    {
        string portText = port.ToString(CultureInfo.InvariantCulture);
        return IsNode
            ? ("node", ["--expose-gc", Path.Combine(folders.Benchmarks, Project), "--port", portText, .. Arguments])
            : ("dotnet", [folders.GetAssembly(Project), "--urls", $"http://127.0.0.1:{portText}", .. Arguments]);
    }

    private ServerKind As(string name, string title, int nodes, BrokerKind broker) => this with { Name = name, Title = title, Nodes = nodes, Broker = broker };
}

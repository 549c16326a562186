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
}

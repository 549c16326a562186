using WsServer.LoadTest.Client;
using WsServer.LoadTest.Measuring;

namespace WsServer.LoadTest.Servers;

/// <summary>A fresh server and its clients, for the scenarios of one group.</summary>
internal sealed class Session : IDisposable
{
    private readonly HashSet<string> _warmed = [];
    private long _nextNumber = 1;

    public Session(ServerKind kind, Folders folders, IReadOnlyDictionary<string, string> environment, CancellationToken cancellation)
    {
        Kind = kind;
        Cancellation = cancellation;
        Server = ServerProcess.Start(kind, folders, environment);
        Client = new LoadClient(Server.Port, kind.Dialect, cancellation);
        Control = new ServerControl(Server.Port);
    }

    public ServerKind Kind { get; }

    public CancellationToken Cancellation { get; }

    public ServerProcess Server { get; }

    public LoadClient Client { get; }

    public ServerControl Control { get; }

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
        Server.Dispose();
        Client.Dispose();
        Control.Dispose();
    }
}

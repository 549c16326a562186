using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace WsServer.Tests.Support;

/// <summary>
/// A TCP proxy between clients and a server that does to their bytes what a bad network, a bad proxy or a crash does. Each
/// connection has a script of its own; the seed decides all that is left to chance.
/// </summary>
internal sealed class ChaosProxy : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<ChaosLink, bool> _links = new();
    private readonly Func<int, Uri> _servers;
    private readonly int _seed;
    private readonly Func<int, ChaosScript> _scripts;
    private readonly Task _accepting;
    private int _count;

    /// <summary>Starts a proxy, at a free port if none is named.</summary>
    /// <param name="server">Where the server listens.</param>
    /// <param name="seed">Decides what is left to chance.</param>
    /// <param name="scripts">The script of each connection, by its number from 0.</param>
    /// <param name="port">The port of one that is gone, to take its place.</param>
    public ChaosProxy(Uri server, int seed, Func<int, ChaosScript> scripts, int port = 0)
        : this(_ => server, seed, scripts, port)
    {
    }

    /// <summary>Starts a proxy in front of several servers.</summary>
    /// <param name="servers">Where each connection leads, by its number from 0.</param>
    /// <param name="seed">Decides what is left to chance.</param>
    /// <param name="scripts">The script of each connection.</param>
    /// <param name="port">The port of one that is gone, to take its place.</param>
    public ChaosProxy(Func<int, Uri> servers, int seed, Func<int, ChaosScript> scripts, int port = 0)
    {
        _servers = servers;
        _seed = seed;
        _scripts = scripts;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen(512);
        Http = new UriBuilder(servers(0)) { Port = ((IPEndPoint)_listener.LocalEndPoint!).Port }.Uri;
        _accepting = AcceptAsync();
    }

    /// <summary>Where clients connect, for example <c>http://127.0.0.1:40124/</c>.</summary>
    public Uri Http { get; }

    /// <summary>How many connections there have been.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The connections there are.</summary>
    public ICollection<ChaosLink> Links => _links.Keys;

    /// <summary>A WebSocket URL that leads through this proxy.</summary>
    public Uri Ws(string pathAndQuery = "/") => new($"ws://{Http.Authority}{pathAndQuery}");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        foreach (ChaosLink link in Links)
        {
            link.Cut(ChaosFault.Reset);
        }

        await Task.WhenAll(Links.Select(l => l.Ended));
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptAsync(_stop.Token);
                int number = Interlocked.Increment(ref _count) - 1;
                var link = new ChaosLink(client, _scripts(number), new Random(HashCode(number)));
                _links[link] = true;
                _ = RunAsync(link, _servers(number));
            }
        }
        catch (OperationCanceledException)
        {
            // The proxy is being disposed.
        }
    }

    private async Task RunAsync(ChaosLink link, Uri server)
    {
        using (link)
        {
            await link.RunAsync(new IPEndPoint(IPAddress.Parse(server.Host), server.Port));
            _links.TryRemove(link, out _);
        }
    }

    // Not that of the framework, which differs from process to process.
    private int HashCode(int number) => unchecked((_seed * 1_000_003) + number);
}

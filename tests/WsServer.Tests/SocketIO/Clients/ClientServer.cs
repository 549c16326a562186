using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using WsServer.Backplane;
using WsServer.Tests.Support;

namespace WsServer.Tests.SocketIO.Clients;

/// <summary>The server that Socket.IO's own clients speak to: a namespace for each thing they try, and native clients beside them.</summary>
internal sealed class ClientServer : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource<string>> _reasons = new();
    private readonly ConcurrentDictionary<HttpContext, bool> _requests = new();
    private readonly List<EventServerHost> _hosts = [];
    private ChaosProxy? _proxy;
    private int _recovered;

    private ClientServer()
    {
    }

    public Uri Http => _proxy?.Http ?? _hosts[0].Http;

    /// <summary>How many clients have come back to what they had, on another node than the first.</summary>
    public int RecoveredElsewhere => Volatile.Read(ref _recovered);

    /// <param name="recovers">Whether clients may come back to what they had.</param>
    public static async Task<ClientServer> StartAsync(bool recovers = false)
    {
        var server = new ClientServer();
        await server.AddAsync(recovers, exchange: null);
        return server;
    }

    /// <summary>The same with two nodes behind a proxy: the first connection leads to the first, all others to the second.</summary>
    public static async Task<ClientServer> StartOnTwoNodesAsync()
    {
        var server = new ClientServer();
        var exchange = new LocalExchange();
        await server.AddAsync(recovers: true, exchange);
        await server.AddAsync(recovers: true, exchange);
        await Within.UntilAsync(() => server._hosts.TrueForAll(h => h.Io.Nodes.Count == 2), "the nodes know one another");
        server._hosts[1].Io.OnConnection(socket => { Interlocked.Add(ref server._recovered, socket.Recovered ? 1 : 0); });
        server._proxy = new ChaosProxy(number => server._hosts[number == 0 ? 0 : 1].Http, seed: 1, _ => ChaosScript.Clean);
        return server;
    }

    public Task<EventClient> ConnectNativeAsync(string path) => EventClient.ConnectAsync(_hosts[0], path);

    public async ValueTask DisposeAsync()
    {
        await (_proxy?.DisposeAsync() ?? ValueTask.CompletedTask);
        foreach (EventServerHost host in _hosts)
        {
            await host.DisposeAsync();
        }
    }

    private async Task AddAsync(bool recovers, LocalExchange? exchange) => _hosts.Add(await EventServerHost.StartAsync(
        Serve,
        options => options.RecoveryWindow = recovers ? TimeSpan.FromMinutes(2) : default,
        services: builder =>
        {
            if (exchange is not null)
            {
                builder.Services.AddSingleton<IBackplane>(new LocalBackplane(exchange));
            }
        },
        endpoints: app =>
        {
            app.Use(WatchAsync);
            app.MapSocketIO(configure: o => o.ConnectionStateRecovery = recovers);
        }));

    private void Serve(EventServer io)
    {
        ServeMessages(io);
        ServeRooms(io);
        ServeLeaving(io);

        EventNamespace guarded = io.Of("/guarded");
        guarded.Use((socket, next) => socket.Handshake.Auth is { } auth && auth.GetProperty("token").GetString() == "letmein"
            ? next()
            : throw new EventException("unauthorized", "Who are you?", new JsonObject { ["hint"] = "a token" }));
        guarded.On<object>("who-am-i", socket => new
        {
            socket.Id,
            Name = socket.Handshake.Auth!.Value.GetProperty("name").GetString(),
            From = socket.Handshake.Query["from"].ToString(),
        });

        EventNamespace news = io.Of("/news");
        news.OnConnection(socket => socket.EmitAsync("headline", "Rain tomorrow"));
        news.OnDisconnect((_, reason) => ReasonOf("/news").TrySetResult(reason.ToWireString()));
        io.Of(name => name.StartsWith("/team-", StringComparison.Ordinal), team => team.On("which", socket => socket.Namespace.Name));
    }

    private static void ServeMessages(EventServer io)
    {
        io.On("echo", (_, arguments) => Task.FromResult(arguments));
        io.On("back", (socket, arguments) => socket.EmitAsync("back", arguments));
        io.On("nothing", _ => { });
        io.On("fail", Task (EventSocket _) => throw new EventException("broken", "It broke."));
        io.On<int>("slow", async (socket, _, stop) => await Task.Delay(Timeout.Infinite, stop));
        io.On<byte[], byte[]>("reverse", (_, bytes) => [.. bytes.Reverse()]);
        io.On<JsonElement>("volatile", (socket, value) => socket.Volatile.EmitAsync("maybe", value));

        // Asks back, and answers with what it was told.
        io.On("ask-me", (socket, arguments) => socket.EmitWithAckAsync("question", arguments, Within.Reason));
    }

    private static void ServeRooms(EventServer io)
    {
        io.On<string>("join", (socket, room) => socket.JoinAsync(room));
        io.On<string>("leave", (socket, room) => socket.LeaveAsync(room));
        io.On<string, JsonArguments>("to-room", (socket, room, data) => socket.To(room).EmitAsync("in-room", data));
    }

    private void ServeLeaving(EventServer io)
    {
        io.OnDisconnect((socket, reason) => ReasonOf(socket.Id).TrySetResult(reason.ToWireString()));
        io.On<string, string>("reason-of", (_, who) => Within.TimeAsync(ReasonOf(who).Task, $"the end of {who}"));
        io.On("put-out", socket => socket.DisconnectAsync());
        io.On("hang-up", socket => socket.DisconnectAsync(close: true));
        io.On("cut", async socket =>
        {
            // Between two polls there is nothing that could be cut.
            await Within.UntilAsync(() => _requests.Keys.Any(r => HttpMethods.IsGet(r.Request.Method)), "the client listens");
            foreach (HttpContext request in _requests.Keys)
            {
                request.Abort();
            }
        });
    }

    private TaskCompletionSource<string> ReasonOf(string who) =>
        _reasons.GetOrAdd(who, _ => new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously));

    private async Task WatchAsync(HttpContext context, RequestDelegate next)
    {
        _requests[context] = true;
        try
        {
            await next(context);
        }
        finally
        {
            _requests.TryRemove(context, out _);
        }
    }
}

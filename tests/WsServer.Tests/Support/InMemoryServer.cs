using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace WsServer.Tests.Support;

/// <summary>An event server without a network, on real time or on a test's.</summary>
internal sealed class InMemoryServer : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly ErrorLog _log = new();

    public InMemoryServer(Action<EventServerOptions>? configure = null, TimeProvider? time = null, Action<IServiceCollection>? more = null)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        services.AddLogging(logging => logging.AddProvider(_log));
        if (time is not null)
        {
            services.AddSingleton(time);
        }

        more?.Invoke(services);
        services.AddEvents(options =>
        {
            options.HandlerGracePeriod = TimeSpan.FromMilliseconds(200);
            options.CloseTimeout = TimeSpan.FromSeconds(1);
            configure?.Invoke(options);
        });
        _services = services.BuildServiceProvider(validateScopes: true);
        Io = _services.GetRequiredService<EventServer>();
    }

    public EventServer Io { get; }

    public IServiceProvider Services => _services;

    /// <summary>What was logged as an error.</summary>
    public IReadOnlyCollection<string> Errors => _log.Errors;

    /// <summary>Starts a client, which has been told nothing yet.</summary>
    public TransportPair Start(string ns = "/", TransportPair? transport = null)
    {
        transport ??= new TransportPair();
        transport.Running = Io.RunAsync(transport, ns: ns);
        return transport;
    }

    /// <summary>Starts a client and waits until it is in its namespace; gives its sid.</summary>
    public async Task<(TransportPair Client, string Sid)> ConnectAsync(string ns = "/", TransportPair? transport = null)
    {
        TransportPair client = Start(ns, transport);
        var connected = JsonNode.Parse(await client.ReceiveTextAsync())!;
        if ((string?)connected["connected"] != ns)
        {
            throw new InvalidOperationException($"Expected to be connected, but was told {connected.ToJsonString()}.");
        }

        string sid = (string)connected["sid"]!;
        await TransportPair.UntilAsync(() => Io.Of(ns).FindSocket(sid) is not null, "the socket is in its namespace");
        return (client, sid);
    }

    /// <summary>Lets the client close, and waits until nothing of it runs any more.</summary>
    public static async Task<DisconnectReason> EndAsync(TransportPair client)
    {
        client.Close();
        return await client.Running.WaitAsync(TransportPair.Patience);
    }

    public async ValueTask DisposeAsync() => await _services.DisposeAsync();

    private sealed class ErrorLog : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> _errors = new();

        public IReadOnlyCollection<string> Errors => _errors;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                _errors.Enqueue(formatter(state, exception) + exception);
            }
        }

        public void Dispose()
        {
        }
    }
}

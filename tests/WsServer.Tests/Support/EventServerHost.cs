namespace WsServer.Tests.Support;

/// <summary>An event server on a real Kestrel at a free port of the loopback address.</summary>
internal sealed class EventServerHost : IAsyncDisposable
{
    private EventServerHost(WebApplication app, EventServer io, CollectedLog log)
    {
        App = app;
        Io = io;
        Log = log;
        Http = new Uri(app.Urls.Single());
    }

    public WebApplication App { get; }

    public EventServer Io { get; }

    public CollectedLog Log { get; }

    /// <summary>Where the server listens, for example <c>http://127.0.0.1:40123</c>.</summary>
    public Uri Http { get; }

    /// <summary>Starts a server.</summary>
    /// <param name="setup">Registers handlers.</param>
    /// <param name="options">Sets options of the event server.</param>
    /// <param name="environment">Production, unless it says otherwise.</param>
    /// <param name="path">Where the event server is mapped.</param>
    /// <param name="services">Adds services, or settings of the host.</param>
    /// <param name="endpoints">Adds middleware and endpoints, before the event server is mapped.</param>
    public static async Task<EventServerHost> StartAsync(
        Action<EventServer>? setup = null,
        Action<EventServerOptions>? options = null,
        string environment = "Production",
        string path = "/",
        Action<WebApplicationBuilder>? services = null,
        Action<WebApplication>? endpoints = null)
    {
        var log = new CollectedLog();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Logging.ClearProviders().AddProvider(log).AddFilter<CollectedLog>(null, LogLevel.Debug);
        builder.WebHost.UseUrls("http://127.0.0.1:0");

        // A test that ends with connections open should not wait for their goodbyes.
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(10));
        builder.Services.AddEvents(o =>
        {
            o.CloseTimeout = TimeSpan.FromSeconds(2);
            options?.Invoke(o);
        });
        services?.Invoke(builder);
        WebApplication app = builder.Build();
        endpoints?.Invoke(app);
        EventServer io = app.MapEvents(path);
        setup?.Invoke(io);
        await app.StartAsync();
        return new EventServerHost(app, io, log);
    }

    /// <summary>A WebSocket URL of this server.</summary>
    public Uri Ws(string pathAndQuery = "/") => new($"{(Http.Scheme == Uri.UriSchemeHttps ? "wss" : "ws")}://{Http.Authority}{pathAndQuery}");

    public async ValueTask DisposeAsync() => await App.DisposeAsync();
}

using System.Collections.Concurrent;
using WsServer.Connections;
using WsServer.SocketIO.Engine;
using WsServer.SocketIO.Hosting;
using WsServer.Tests.Support;
using WsServer.Wire;

namespace WsServer.Tests.SocketIO.Engine;

/// <summary>Engine.IO on a real Kestrel at a free port, without anything on top: by default each message comes back.</summary>
internal sealed class EngineHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private EngineHost(WebApplication app, CollectedLog log, ManualTime time)
    {
        _app = app;
        Log = log;
        Time = time;
        Http = new Uri(new Uri(app.Urls.Single()), "/engine.io/");
    }

    /// <summary>The clock of the sessions, which the test moves.</summary>
    public ManualTime Time { get; }

    public CollectedLog Log { get; }

    public Uri Http { get; }

    /// <summary>Each session that was opened, by its sid.</summary>
    public ConcurrentDictionary<string, EngineSession> Sessions { get; } = new();

    /// <summary>How each session ended, by its sid: what the reader was told.</summary>
    public ConcurrentDictionary<string, string> Ends { get; } = new();

    /// <param name="run">What is done with a session; by default each message comes back.</param>
    /// <param name="change">Changes the settings: pings after 300 ms, which are to be answered within 200 ms.</param>
    /// <param name="isLimited">Whether clients have places, and what they send is told for its rates.</param>
    public static async Task<EngineHost> StartAsync(
        Func<EngineSession, Task>? run = null, Func<EngineSettings, EngineSettings>? change = null, bool isLimited = false)
    {
        var log = new CollectedLog();
        var time = new ManualTime();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(log);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddEvents(o => o.CloseTimeout = TimeSpan.FromSeconds(2));
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(1));
        WebApplication app = builder.Build();
        var settings = new EngineSettings(
            TimeSpan.FromMilliseconds(300), TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10), MaxPayload: 10_000, MaxSessions: 100, time, app.Logger);
        EngineHost? host = null;
        settings = change?.Invoke(settings) ?? settings;
        app.MapEngine("/engine.io/", new EngineEndpoint(settings, (session, _) => host!.RunAsync(session, run ?? EchoAsync), isLimited: isLimited), settings, checksOrigin: false);
        await app.StartAsync();
        host = new EngineHost(app, log, time);
        return host;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (EngineSession session in Sessions.Values)
        {
            await session.DisposeAsync();
        }

        await _app.DisposeAsync();
    }

    /// <summary>The session of a client, as the server has it.</summary>
    public async Task<EngineSession> SessionAsync(string sid)
    {
        await Within.UntilAsync(() => Sessions.ContainsKey(sid), "the session runs");
        return Sessions[sid];
    }

    /// <summary>Waits until the server's side of a session has ended.</summary>
    public async Task<string> EndAsync(string sid)
    {
        await Within.UntilAsync(() => Ends.ContainsKey(sid), "the session has ended");
        return Ends[sid];
    }

    /// <summary>Lets time pass until something has happened that waits for it.</summary>
    public Task AdvanceUntilAsync(Task task) => Within.UntilAsync(
        () =>
        {
            Time.Advance(TimeSpan.FromMilliseconds(10));
            return task.IsCompleted;
        },
        "what waits for time");

    /// <summary>Sends a text of the server.</summary>
    public static ValueTask SendAsync(EngineSession session, string text) =>
        session.SendAsync(new[] { EncodedPacket.Create(System.Text.Encoding.UTF8.GetBytes("4" + text), isBinary: false) }, CancellationToken.None);

    private static async Task EchoAsync(EngineSession session)
    {
        TransportMessage message;
        while ((message = await session.ReceiveAsync(CancellationToken.None)).Kind is TransportMessageKind.Text or TransportMessageKind.Binary)
        {
            await session.SendAsync(new[] { EncodedPacket.Create(message.Payload.Span, message.Kind == TransportMessageKind.Binary) }, CancellationToken.None);
        }

        if (message.Kind == TransportMessageKind.TooLarge)
        {
            throw new InvalidDataException("A message was too large.");
        }
    }

    private async Task RunAsync(EngineSession session, Func<EngineSession, Task> run)
    {
        Sessions[session.Sid] = session;
        string end = "closed";
        try
        {
            await run(session);
        }
        catch (Exception exception)
        {
            end = exception.GetType().Name;
        }

        Ends[session.Sid] = end;
        try
        {
            await session.CloseAsync(new TransportClose(1000, ""), CancellationToken.None);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The connection is broken.
            end += ", " + exception.GetType().Name;
        }
    }
}

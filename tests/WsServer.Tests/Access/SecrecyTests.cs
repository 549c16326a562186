using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.SocketIO.Engine;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Access;

/// <summary>What anybody could read in logs and traces, whichever way a token came.</summary>
public class SecrecyTests
{
    [Theory]
    [InlineData("header")]
    [InlineData("query")]
    [InlineData("subprotocol")]
    [InlineData("cookie")]
    [InlineData("connect")]
    [InlineData("$auth")]
    [InlineData("refused query")]
    [InlineData("refused $auth")]
    [InlineData("Socket.IO")]
    [InlineData("session")]
    public async Task A_token_or_a_session_is_in_no_log_and_no_trace(string way)
    {
        var spoken = new Spoken();
        using ActivityListener listener = spoken.Listen();
        await using EventServerHost host = await GuardedHost.StartAsync(
            io => io.Of("/other").RequireAuthorization(),
            endpoints: app => app.MapSocketIO(),
            services: b =>
            {
                b.Logging.AddProvider(spoken).SetMinimumLevel(LogLevel.Trace).AddFilter<Spoken>(null, LogLevel.Trace);
                b.Services.Configure<LoggerFactoryOptions>(o => o.ActivityTrackingOptions = (ActivityTrackingOptions)0x7f);
            },
            scheme: way == "cookie" ? GuardedHost.Cookie : GuardedHost.Bearer);
        string token = await SpeakAsync(host, way);
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0 && spoken.Activities > 0, "the request has ended");
        await host.App.StopAsync();

        string all = spoken.Text;
        all.Should().Contain("Request starting").And.Contain("Request finished", "what is looked through is what the server logs");
        foreach (string form in (string[])[token, GuardedHost.Base64UrlOf(token), Uri.EscapeDataString(token)])
        {
            all.Should().NotContain(form);
        }
    }

    [Fact]
    public async Task Left_in_the_url_it_would_be_found()
    {
        var spoken = new Spoken();
        using ActivityListener listener = spoken.Listen();
        await using EventServerHost host = await GuardedHost.StartAsync(options: o => o.TokenInQuery = false, services: b => b.Logging.AddProvider(spoken).AddFilter<Spoken>(null, LogLevel.Trace));
        string token = host.TokenOf("ada");
        await using (await EventClient.ConnectAsync(host, $"/?access_token={token}"))
        {
            spoken.Text.Should().Contain(token);
        }
    }

    [Fact]
    public void A_handshake_that_is_printed_tells_nothing()
    {
        var handshake = new Handshake
        {
            Headers = new HeaderDictionary { ["Authorization"] = "secret" },
            Query = new QueryCollection(new Dictionary<string, Microsoft.Extensions.Primitives.StringValues> { ["token"] = "secret" }),
            Auth = JsonElement.Parse("""{"token":"secret"}"""),
        };

        handshake.ToString().Should().StartWith("Handshake {").And.NotContain("secret");
    }

    private static async Task<string> SpeakAsync(EventServerHost host, string way)
    {
        string token = host.TokenOf("ada");
        switch (way)
        {
            case "header":
                await using (await host.ConnectAsAsync(token))
                {
                    return token;
                }

            case "query":
                await using (EventClient client = await EventClient.ConnectAsync(host, $"/?access_token={token}&x=1"))
                {
                    (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
                    return token;
                }

            case "subprotocol":
                await using (EventClient client = await EventClient.ConnectAsync(host, "/", o =>
                {
                    o.AddSubProtocol("wsserver.json.v1");
                    o.AddSubProtocol($"bearer.{GuardedHost.Base64UrlOf(token)}");
                }))
                {
                    (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
                    return token;
                }

            case "cookie":
                var cookies = new System.Net.CookieContainer();
                using (var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, CookieContainer = cookies }))
                {
                    await http.GetAsync(new Uri(host.Http, "/sign-in/ada"));
                }

                await using (EventClient client = await EventClient.ConnectAsync(host, "/", o => o.Cookies = cookies))
                {
                    (await client.AskAsync("whoami")).GetProperty("data").GetString().Should().Be("ada");
                    return cookies.GetAllCookies().Single().Value;
                }

            case "connect":
                await using (EventClient client = await EventClient.ConnectAsync(host))
                {
                    await client.SendAsync($$$"""{"connect":"/other","auth":{"token":"{{{token}}}"}}""");
                    await client.WelcomedAsync();
                    return token;
                }

            case "$auth":
                await using (EventClient client = await EventClient.ConnectAsync(host))
                {
                    (await client.AskAsync("$auth", $"\"{token}\"")).TryGetProperty("data", out _).Should().BeTrue();
                    return token;
                }

            case "refused query":
                (await host.RefusedAsync($"/no-such-namespace?access_token={token}x")).Should().Be(404);
                await using (await EventClient.ConnectAsync(host))
                {
                    return token;
                }

            case "refused $auth":
                await using (EventClient client = await EventClient.ConnectAsync(host))
                {
                    (await client.AskAsync("$auth", $"\"{token}x\"")).TryGetProperty("error", out _).Should().BeTrue();
                    return token;
                }

            case "session":
                JsonElement connected;
                await using (EventClient client = await EventClient.OpenAsync(host, "/?recover=1"))
                {
                    connected = await client.WelcomedAsync();
                    client.Abort();
                    await Within.UntilAsync(() => host.Io.Root.SocketCount == 0, "the server has noticed");
                }

                string session = connected.GetProperty("session").GetString()!;
                await using (EventClient client = await EventClient.OpenAsync(host, $"/?x=1&session={session}&seq={connected.GetProperty("seq").GetInt64()}"))
                {
                    (await client.WelcomedAsync()).GetProperty("recovered").GetBoolean().Should().BeTrue();
                    return session;
                }

            default:
                using (var client = new EngineClient(new Uri(host.Http, "/socket.io/")))
                {
                    await client.OpenAsync($"&access_token={token}");
                    await client.PostAsync($$$"""40/other,{"token":"{{{token}}}"}""");
                    (await client.GetAsync()).Body.Should().StartWith("40/other,");
                    await client.PostAsync($$"""42/other,1["$auth","{{token}}"]""");
                    (await client.GetAsync()).Body.Should().StartWith("""43/other,1[{"expiresInMs":""");
                    await client.PostAsync("1");
                    return token;
                }
        }
    }

    /// <summary>Everything that is logged and traced, with scopes, states, tags and events.</summary>
    private sealed class Spoken : ILoggerProvider, ISupportExternalScope
    {
        private readonly ConcurrentQueue<string> _lines = new();
        private IExternalScopeProvider? _scopes;
        private int _activities;

        public string Text => string.Join('\n', _lines);

        public int Activities => Volatile.Read(ref _activities);

        public ActivityListener Listen()
        {
            var listener = new ActivityListener
            {
                ShouldListenTo = _ => true,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = activity =>
                {
                    Add(activity.Source.Name, activity.DisplayName, activity.TagObjects, activity.Baggage, activity.Events.SelectMany(e => e.Tags));
                    Interlocked.Increment(ref _activities);
                },
            };
            ActivitySource.AddActivityListener(listener);
            return listener;
        }

        public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

        public ILogger CreateLogger(string categoryName) => new Writer(this, categoryName);

        public void Dispose()
        {
        }

        private void Add(params object?[] parts) => _lines.Enqueue(string.Join(' ', parts.Select(Describe)));

        private static string Describe(object? part) => part switch
        {
            string text => text,
            System.Collections.IEnumerable many => string.Join(' ', many.Cast<object?>().Select(Describe)),
            _ => Convert.ToString(part, CultureInfo.InvariantCulture) ?? "",
        };

        private sealed class Writer(Spoken spoken, string category) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => spoken._scopes?.Push(state);

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                var scopes = new StringBuilder();
                spoken._scopes?.ForEachScope(static (scope, to) => to.Append(Describe(scope)).Append(scope), scopes);
                spoken.Add(category, eventId, formatter(state, exception), state, exception, scopes);
            }
        }
    }
}

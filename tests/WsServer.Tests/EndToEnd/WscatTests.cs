using System.Text.Json;
using System.Text.RegularExpressions;
using FluentAssertions;
using WsServer.Tests.Support;

namespace WsServer.Tests.EndToEnd;

/// <summary>The real wscat from npm: the transcripts that the documents show, typed and compared.</summary>
public class WscatTests
{
    [NodeFact]
    public async Task The_protocol_documents_transcript_is_what_wscat_shows()
    {
        var said = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var answered = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using WebApplication app = await StartAsync(io =>
        {
            io.On<JsonElement>("chat", (_, chat) => { said.TrySetResult(chat.GetProperty("msg").GetString()!); });
            io.On<JsonElement, object>("message-and-ack", (_, _) => new { Ok = true });
            io.On("ask-me", socket => { _ = AskAsync(socket, answered); });
            io.Of("/news").OnConnection(socket => socket.EmitAsync("headline", "Rain tomorrow"));
            io.Of("/news").Use((socket, next) => socket.Handshake.Auth is { } auth && auth.GetProperty("token").GetString() == "letmein"
                ? next()
                : throw new EventException("unauthorized", "Who are you?"));
        });

        await using Wscat wscat = Wscat.Start(app.Urls.First());
        await wscat.ExpectAsync("""{"connected":"/","sid":"SID"}""");

        await wscat.TypeAsync("""{"event":"chat","data":{"msg":"hi"}}""");
        (await said.Task.WaitAsync(RunningProcess.Patience)).Should().Be("hi");

        await wscat.TypeAsync("""{"event":"message-and-ack","data":{"message":"hi"},"id":1}""");
        await wscat.ExpectAsync("""{"ack":1,"data":{"ok":true}}""");

        await wscat.TypeAsync("""{"event":"ask-me"}""");
        string hello = await wscat.ReadAsync();
        string id = Regex.Match(hello, """^\{"event":"hello","data":"world","id":(\d+)\}$""").Groups[1].Value;
        id.Should().NotBeEmpty("{0} should be hello with an id", hello);
        await wscat.TypeAsync($$"""{"ack":{{id}},"data":"got it"}""");
        (await answered.Task.WaitAsync(RunningProcess.Patience)).Should().Be("got it");

        await wscat.TypeAsync("""{"connect":"/news","auth":{"token":"wrong"}}""");
        await wscat.ExpectAsync("""{"connect_error":"/news","error":{"code":"unauthorized","message":"Who are you?"}}""");
        await wscat.TypeAsync("""{"connect":"/news","auth":{"token":"letmein"}}""");
        await wscat.ExpectAsync("""{"connected":"/news","sid":"SID"}""");
        await wscat.ExpectAsync("""{"event":"headline","data":"Rain tomorrow","ns":"/news"}""");
        await wscat.TypeAsync("""{"disconnect":"/news"}""");
        await wscat.ExpectAsync("""{"disconnect":"/news","reason":"client namespace disconnect"}""");

        await wscat.TypeAsync("""{"ping":1}""");
        await wscat.ExpectAsync("""{"pong":1}""");
    }

    [NodeFact]
    public async Task The_applications_lobby_and_rooms_answer_wscat()
    {
        await using App app = await App.StartAsync();
        await using Wscat ada = Wscat.Start(app.Address.ToString());
        await ada.ExpectAsync("""{"connected":"/","sid":"SID"}""");
        await ada.ExpectAsync("""{"event":"people","data":[]}""");
        await ada.TypeAsync("""{"event":"chat","data":{"msg":"hi"},"id":1}""");
        await ada.ExpectAsync("""{"ack":1,"error":{"code":"unauthorized","message":"Log in before you chat."}}""");
        await ada.TypeAsync("""{"event":"login","data":{"name":"Ada","userid":"a1"},"id":2}""");
        await ada.ExpectAsync("""{"event":"login","data":"Ada"}""");
        await ada.ExpectAsync("""{"event":"people","data":[{"name":"Ada","userid":"a1"}]}""");
        await ada.ExpectAsync("""{"ack":2}""");

        await using Wscat bob = Wscat.Start(app.Address.ToString());
        await bob.ExpectAsync("""{"connected":"/","sid":"SID"}""");
        await bob.ExpectAsync("""{"event":"people","data":[{"name":"Ada","userid":"a1"}]}""");
        await ada.TypeAsync("""{"event":"chat","data":{"msg":"hi"}}""");
        await bob.ExpectAsync("""{"event":"chat","data":{"from":{"name":"Ada","userid":"a1"},"msg":"hi"}}""");
        await bob.TypeAsync("""{"event":"messageAndAck","data":{"n":1},"id":"a"}""");
        await bob.ExpectAsync("""{"event":"response","data":{"n":1}}""");
        await bob.ExpectAsync("""{"ack":"a","data":{"ok":true}}""");
        await ada.ExpectAsync("""{"event":"response","data":{"n":1}}""");
        await ada.TypeAsync("""{"event":"broadcast","data":[1,2]}""");
        await bob.ExpectAsync("""{"event":"response","data":[1,2]}""");

        await bob.TypeAsync("""{"connect":"/chat"}""");
        await bob.ExpectAsync("""{"connected":"/chat","sid":"SID"}""");
        await bob.TypeAsync("""{"event":"join-room","data":{"type":"dev","user":"Bob"},"id":3,"ns":"/chat"}""");
        await bob.ExpectAsync("""{"event":"hello","data":{"room":"room:dev","user":"Bob"},"ns":"/chat"}""");
        await bob.ExpectAsync("""{"event":"people","data":{"room":"room:dev","people":["Bob"]},"ns":"/chat"}""");
        await bob.ExpectAsync("""{"ack":3,"data":"success","ns":"/chat"}""");
        await bob.TypeAsync("""{"event":"join-room","data":{"type":"cooking","user":"Bob"},"id":4,"ns":"/chat"}""");
        await bob.ExpectAsync("""{"ack":4,"data":"The room doesn't exist","ns":"/chat"}""");
        await bob.TypeAsync("""{"event":"chat message","data":{"name":"Bob","room":"room:dev","msg":"hi, dev"},"ns":"/chat"}""");
        await bob.ExpectAsync("""{"event":"chat message","data":"hi, dev","ns":"/chat"}""");

        await ada.TypeAsync("""{"event":"forceDisconnect"}""");
        await ada.ExpectAsync("""{"disconnect":"/","reason":"server namespace disconnect"}""");
        await ada.ExpectExitAsync();
        await bob.ExpectAsync("""{"event":"logout","data":"Ada"}""");
        await bob.ExpectAsync("""{"event":"people","data":[]}""");
        await app.StopAsync();
        (await bob.ReadAsync()).Should().StartWith("""{"error":{"code":"shutting_down",""").And.Contain("retryAfterMs");
        await bob.ExpectExitAsync();
    }

    [NodeFact]
    public async Task An_unknown_namespace_is_a_404_in_wscat()
    {
        await using App app = await App.StartAsync();
        await using Wscat wscat = Wscat.Start(new Uri(app.Address, "/nowhere").ToString());
        (await wscat.ReadAsync()).Should().Be("error: Unexpected server response: 404");
    }

    private static async Task AskAsync(EventSocket socket, TaskCompletionSource<string> answered)
    {
        try
        {
            answered.TrySetResult(await socket.EmitAsync<string>("hello", "world", RunningProcess.Patience));
        }
        catch (EventException exception)
        {
            answered.TrySetException(exception);
        }
    }

    private static async Task<WebApplication> StartAsync(Action<EventServer> configure)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddEvents();
        WebApplication app = builder.Build();
        configure(app.MapEvents("/"));
        await app.StartAsync();
        return app;
    }

    /// <summary>One wscat with its terminal.</summary>
    private sealed class Wscat(RunningProcess process) : IAsyncDisposable
    {
        // Without a terminal wscat still writes a prompt after each line typed, and the answer lands behind it.
        private static readonly Regex Line = new(@"^(?:> )*(.+)$");
        private static readonly Regex Sid = new("""
            "sid":"[A-Za-z0-9_-]{20,}"
            """);

        public static Wscat Start(string url) =>
            new(RunningProcess.Start(Requirements.Node!, Requirements.Wscat, "--no-color", "-c", url.Replace("http://", "ws://", StringComparison.Ordinal)));

        public Task TypeAsync(string line) => process.WriteLineAsync(line);

        /// <summary>The next line on the screen.</summary>
        public async Task<string> ReadAsync() => (await process.WaitForLineAsync(Line)).Groups[1].Value;

        /// <summary>Expects this as the next line; each sid is written as SID.</summary>
        public async Task ExpectAsync(string line) => Sid.Replace(await ReadAsync(), "\"sid\":\"SID\"").Should().Be(line);

        public async Task ExpectExitAsync() => (await process.WaitForExitAsync(RunningProcess.Patience)).Should().Be(0);

        public ValueTask DisposeAsync() => process.DisposeAsync();
    }
}

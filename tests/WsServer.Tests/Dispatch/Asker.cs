using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;

namespace WsServer.Tests.Dispatch;

/// <summary>A client that asks and waits for the answer, on a server whose time stands still unless the test moves it.</summary>
internal sealed class Asker : IAsyncDisposable
{
    private int _lastId;

    private Asker()
    {
    }

    public required ManualTime Time { get; init; }

    public required InMemoryServer Server { get; init; }

    public EventServer Io => Server.Io;

    public EventServerOptions Options => Io.Runtime.Options;

    public BatchTransport Client { get; } = new();

    public required EventSocket Socket { get; set; }

    /// <summary>Whether the code that asks runs on the thread that has read the event.</summary>
    public static bool IsOnReadingThread => Environment.StackTrace.Contains($"{typeof(Connection).FullName}.", StringComparison.Ordinal);

    public static async Task<Asker> StartAsync(Action<EventServer>? setup = null, Action<EventServerOptions>? options = null)
    {
        var time = new ManualTime();
        var server = new InMemoryServer(options, time);
        setup?.Invoke(server.Io);
        var asker = new Asker { Time = time, Server = server, Socket = null! };
        (_, string sid) = await server.ConnectAsync(transport: asker.Client);
        asker.Socket = server.Io.Root.FindSocket(sid)!;
        return asker;
    }

    /// <summary>Sends an event, and waits for its ack and until the socket is idle again.</summary>
    public async Task<string> AskAsync(string name, string data = "null")
    {
        int id = ++_lastId;
        Client.Send($$"""{"event":"{{name}}","data":{{data}},"id":"a{{id}}"}""");
        string ack = await ReceiveAsync($$"""{"ack":"a{{id}}" """.TrimEnd());
        await IdleAsync();
        return ack;
    }

    public Task IdleAsync() => TransportPair.UntilAsync(() => Socket.Life.IsQuiet, "the socket is idle");

    /// <summary>Lets a handler run so often that it counts as quick.</summary>
    public async Task ProveQuickAsync(string name, string data = "null")
    {
        for (int i = 0; i < 8; i++)
        {
            await AskAsync(name, data);
        }
    }

    /// <summary>The next message that begins so; what comes before it is passed over.</summary>
    public async Task<string> ReceiveAsync(string start)
    {
        while (true)
        {
            string text = await Client.ReceiveTextAsync();
            if (text.StartsWith(start, StringComparison.Ordinal))
            {
                return text;
            }
        }
    }

    /// <summary>Sends messages that all lie in the buffer one after the other, and waits until they are through.</summary>
    public async Task ReuseBufferAsync(int messages)
    {
        int id = ++_lastId;
        int before = Client.Receives;
        Client.SendTogether(Enumerable.Range(0, messages).Select(i => $$"""{"ping":"{{new string((char)('A' + (i % 26)), 500)}}"}""").Append($$"""{"ping":{{id}}}"""));
        await ReceiveAsync($$"""{"pong":{{id}}}""");
        Client.Receives.Should().BeGreaterThan(before + messages - 1);
    }

    public async ValueTask DisposeAsync()
    {
        await InMemoryServer.EndAsync(Client);
        await Server.DisposeAsync();
    }
}

using System.Net.WebSockets;
using System.Text;
using FluentAssertions;
using WsServer.Tests.Support;

namespace WsServer.Tests.EndToEnd;

/// <summary>A sample that runs as its own process on a free port. Each is built once.</summary>
internal sealed class Sample : IAsyncDisposable
{
    private static readonly TimeSpan BuildPatience = TimeSpan.FromMinutes(3);

    // One after the other: they share the library's build.
    private static readonly SemaphoreSlim OneBuild = new(1);
    private static readonly Dictionary<string, string> Built = [];

    private readonly List<SampleClient> _clients = [];

    private Sample(RunningProcess process, Uri address)
    {
        Process = process;
        Address = address;
    }

    public RunningProcess Process { get; }

    public Uri Address { get; }

    public static async Task<Sample> StartAsync(string name, params string[] arguments)
    {
        string program = await BuildAsync(name);
        RunningProcess process = RunningProcess.Start("dotnet", ["exec", program, "--urls", "http://127.0.0.1:0", .. arguments]);
        try
        {
            return new Sample(process, await process.WaitForAddressAsync());
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    public async Task<SampleClient> ConnectAsync(string path = "/")
    {
        var webSocket = new ClientWebSocket();
        using var timeout = new CancellationTokenSource(RunningProcess.Patience);
        await webSocket.ConnectAsync(new UriBuilder(new Uri(Address, path)) { Scheme = "ws" }.Uri, timeout.Token);
        var client = new SampleClient(webSocket);
        _clients.Add(client);
        return client;
    }

    /// <summary>Connects and waits until it has joined the namespace.</summary>
    public async Task<SampleClient> JoinAsync(string ns)
    {
        SampleClient client = await ConnectAsync(ns);
        (await client.ReceiveAsync()).Should().StartWith($$"""{"connected":"{{ns}}","sid":""");
        return client;
    }

    /// <summary>Ends it as a terminal would: its clients are told, it has success, and no error is in its log.</summary>
    public async Task StopAsync()
    {
        Task<int> stopping = Process.StopAsync();
        foreach (SampleClient client in _clients.Where(c => c.IsOpen))
        {
            await client.ExpectCloseAsync(1001);
        }

        (await stopping).Should().Be(0);
        Process.Transcript.Should().NotContain("fail:").And.NotContain("crit:").And.NotContain("Unhandled exception");
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    private static async Task<string> BuildAsync(string name)
    {
        await OneBuild.WaitAsync();
        try
        {
            if (!Built.TryGetValue(name, out string? program))
            {
                string output = await RunningProcess.RunAsync(
                    BuildPatience,
                    "dotnet", "build", Repository.PathTo("samples", $"{name}.cs"), "--configuration", Repository.Configuration, "-p:MSBuildTreatWarningsAsErrors=true", "-target:Build", "-getProperty:TargetPath");
                Built[name] = program = output.Split('\n')[^1].Trim();
            }

            return program;
        }
        finally
        {
            OneBuild.Release();
        }
    }
}

/// <summary>A client that compares texts as they travel, the way a person at wscat sees them.</summary>
internal sealed class SampleClient(ClientWebSocket webSocket) : IAsyncDisposable
{
    private int _lastId;

    public bool IsOpen => webSocket.State == WebSocketState.Open;

    public async Task SendAsync(string text)
    {
        using var timeout = new CancellationTokenSource(RunningProcess.Patience);
        await webSocket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, timeout.Token);
    }

    public async Task<string> ReceiveAsync()
    {
        byte[] buffer = new byte[16 * 1024];
        using var timeout = new CancellationTokenSource(RunningProcess.Patience);
        WebSocketReceiveResult received = await webSocket.ReceiveAsync(buffer, timeout.Token);
        return received.MessageType == WebSocketMessageType.Close ? "(closed)" : Encoding.UTF8.GetString(buffer, 0, received.Count);
    }

    public async Task ExpectAsync(string text) => (await ReceiveAsync()).Should().Be(text);

    public async Task AskAsync(string question, string answer)
    {
        await SendAsync(question);
        await ExpectAsync(answer);
    }

    /// <summary>Nothing else has come before the answer to a question of our own.</summary>
    public Task ExpectNothingBeforeAsync(string question, string answer) => AskAsync(question, answer);

    /// <summary>Sends an event and waits for its empty ack.</summary>
    public Task RequestAsync(string name, string data)
    {
        int id = ++_lastId;
        return AskAsync($$"""{"event":"{{name}}","data":{{data}},"id":{{id}}}""", $$"""{"ack":{{id}}}""");
    }

    /// <summary>Reads whatever is left until the other side has closed, and answers its goodbye.</summary>
    public async Task ExpectCloseAsync(int code)
    {
        while (webSocket.State is WebSocketState.Open or WebSocketState.CloseSent)
        {
            await ReceiveAsync();
        }

        if (webSocket.State == WebSocketState.CloseReceived)
        {
            await CloseAsync();
        }

        ((int?)webSocket.CloseStatus).Should().Be(code);
    }

    public async Task CloseAsync()
    {
        using var timeout = new CancellationTokenSource(RunningProcess.Patience);
        await webSocket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, timeout.Token);
    }

    public ValueTask DisposeAsync()
    {
        webSocket.Dispose();
        return ValueTask.CompletedTask;
    }
}

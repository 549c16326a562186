using System.Globalization;
using System.Text.Json.Nodes;
using FluentAssertions;
using WsServer.Tests.Support;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Dispatch;

/// <summary>Coming back at awkward moments, over transports in memory, as a protocol of its own would have it.</summary>
public sealed class ComebackTests : IAsyncDisposable
{
    private readonly IPacketCodec _codec = new JsonPacketCodec(new EnvelopeLimits(256, 64), new NameTable()).RecoveryForm;
    private readonly List<string> _log = [];
    private InMemoryServer _server = new();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    public static TheoryData<string, bool> Ends => new()
    {
        { "closed", true },
        { "broken", true },
        { "silent", true },
        { "malformed", false },
        { "too large", false },
    };

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task It_depends_on_how_the_connection_ended(string how, bool isKept)
    {
        TransportPair client = Connect();
        JsonNode connected = await WelcomedAsync(client);
        switch (how)
        {
            case "closed":
                client.Close();
                break;
            case "broken":
                client.Fail(new IOException("Reset."));
                break;
            case "silent":
                client.Fail(new TimeoutException("No sign of life."));
                break;
            case "malformed":
                client.Fail(new InvalidDataException("No frame."));
                break;
            default:
                client.SendTooLarge();
                break;
        }

        await client.Running.WaitAsync(TransportPair.Patience);
        _server.Io.Root.Recovery.IsActive.Should().Be(isKept);
        JsonNode back = await WelcomedAsync(Connect(connected));
        ((bool)back["recovered"]!).Should().Be(isKept);
        ((string?)back["sid"] == (string?)connected["sid"]).Should().Be(isKept);
    }

    [Fact]
    public async Task Who_comes_back_waits_for_the_handlers_of_the_socket_that_was()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.Io.OnConnection(s => Log($"in {s.Recovered}"));
        _server.Io.OnDisconnecting(async (s, _) =>
        {
            await release.Task;
            s.Items["last words"] = 1;
            await s.JoinAsync("late");
        });
        _server.Io.OnDisconnect((_, reason) => Log($"out {reason}"));
        TransportPair client = Connect();
        JsonNode connected = await WelcomedAsync(client);
        client.Close();
        await TransportPair.UntilAsync(() => client.IsDisposed, "the connection has ended");
        await _server.Io.EmitAsync("missed");
        TransportPair second = Connect(connected);
        second.Send("""{"event":"early","ns":"/"}""");
        await TransportPair.UntilAsync(() => second.ReceiveCalls == 3, "both messages are taken up");
        second.Drain().Should().BeEmpty();
        release.SetResult();

        ((string?)(await NextAsync(second))["event"]).Should().Be("missed");
        JsonNode back = await NextAsync(second);
        ((bool)back["recovered"]!).Should().BeTrue();
        EventSocket socket = _server.Io.Root.FindSocket((string)back["sid"]!)!;
        socket.Items.Should().ContainKey("last words");
        socket.Rooms.Should().Contain("late");
        await TransportPair.UntilAsync(() => _log.Count == 3, "it is in");
        _log.Should().Equal("in False", "out TransportClose", "in True");
    }

    [Fact]
    public async Task Of_two_that_come_for_the_same_the_last_gets_it()
    {
        TransportPair client = Connect();
        JsonNode connected = await WelcomedAsync(client);
        TransportPair second = Connect(connected);
        await WelcomedAsync(second);
        TransportPair third = Connect(connected);
        ((bool)(await WelcomedAsync(third))["recovered"]!).Should().BeTrue();
        (await client.Goodbye).Status.Should().Be(4409);
        (await second.Goodbye).Status.Should().Be(4409);
        third.IsGoodbyeSaid.Should().BeFalse();
        _server.Io.Root.SocketCount.Should().Be(1);
    }

    [Fact]
    public async Task One_that_is_overtaken_while_it_waits_leaves_the_socket_to_the_one_that_came_later()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.Io.OnDisconnecting((_, _) => release.Task);
        TransportPair client = Connect();
        JsonNode connected = await WelcomedAsync(client);
        var comers = new List<TransportPair>();
        for (int i = 0; i < 5; i++)
        {
            TransportPair comer = Connect(connected);
            await TransportPair.UntilAsync(() => comer.ReceiveCalls == 2, "it has asked, and so come before the next");
            comers.Add(comer);
        }

        await client.Goodbye;
        release.SetResult();
        ((bool)(await WelcomedAsync(comers[^1]))["recovered"]!).Should().BeTrue();
        foreach (TransportPair comer in comers.SkipLast(1))
        {
            (await comer.Goodbye).Status.Should().Be(4409);
        }

        comers[^1].IsGoodbyeSaid.Should().BeFalse();
        await TransportPair.UntilAsync(() => _server.Io.Root.SocketCount == 1, "only the last is left");
    }

    [Fact]
    public async Task Who_is_cut_off_while_middleware_looks_at_it_may_try_again()
    {
        await _server.DisposeAsync();
        _server = new InMemoryServer(o => o.RunMiddlewareOnRecovery = true);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int calls = 0;
        _server.Io.Use(async (socket, next) =>
        {
            if (++calls == 2)
            {
                reached.SetResult();
                await Task.Delay(Timeout.Infinite, socket.ConnectionAborted);
            }

            await next();
        });
        TransportPair client = Connect();
        JsonNode connected = await WelcomedAsync(client);
        client.Close();
        await client.Running.WaitAsync(TransportPair.Patience);
        TransportPair second = Connect(connected);
        await reached.Task.WaitAsync(TransportPair.Patience);
        await _server.Io.EmitAsync("missed");
        second.Close();
        await second.Running.WaitAsync(TransportPair.Patience);

        TransportPair third = Connect(connected);
        ((string?)(await NextAsync(third))["event"]).Should().Be("missed");
        ((bool)(await NextAsync(third))["recovered"]!).Should().BeTrue();
        _server.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task Who_was_put_out_by_middleware_is_not_kept_for_another_try()
    {
        await _server.DisposeAsync();
        _server = new InMemoryServer(o => o.RunMiddlewareOnRecovery = true);
        _server.Io.Use((socket, next) => socket.Recovered ? socket.DisconnectAsync(close: true) : next());
        TransportPair client = Connect();
        JsonNode connected = await WelcomedAsync(client);
        client.Close();
        await client.Running.WaitAsync(TransportPair.Patience);
        TransportPair second = Connect(connected);
        await second.Goodbye;
        await TransportPair.UntilAsync(() => !_server.Io.Root.Recovery.IsActive, "nothing is kept");
    }

    [Fact]
    public async Task What_is_emitted_while_rooms_are_joined_again_comes_once_and_in_its_place()
    {
        _server.Io.OnConnection(s => s.Recovered ? Task.CompletedTask : s.JoinAsync("a", "b"));
        TransportPair client = Connect();
        JsonNode connected = await WelcomedAsync(client);
        await TransportPair.UntilAsync(() => _server.Io.Root.Rooms.Count() == 2, "it is in its rooms");
        client.Close();
        await client.Running.WaitAsync(TransportPair.Patience);
        _server.Io.Root.OnRoomJoined((room, sid) =>
        {
            _server.Io.To(room).EmitAsync("joined", room);
            _server.Io.Volatile.EmitAsync("volatile");
        });
        await _server.Io.EmitAsync("before");
        TransportPair second = Connect(connected);
        var got = new List<string>();
        JsonNode next = await NextAsync(second);
        while (next["connected"] is null)
        {
            got.Add($"{next["event"]} {next["data"]}");
            next = await NextAsync(second);
        }

        got.Should().HaveCount(3).And.StartWith("before ").And.Contain(["joined a", "joined b"]);
        await _server.Io.EmitAsync("after");
        ((string?)(await NextAsync(second))["event"]).Should().Be("after");
    }

    [Fact]
    public async Task The_server_counts_those_that_come_back()
    {
        using var meter = new CountedRecoveries();
        TransportPair client = Connect();
        JsonNode connected = await WelcomedAsync(client);
        client.Close();
        await client.Running.WaitAsync(TransportPair.Patience);
        await WelcomedAsync(Connect(connected));
        connected["session"] = "unknown";
        await WelcomedAsync(Connect(connected));
        await TransportPair.UntilAsync(() => meter.Counted.Any(c => c) && meter.Counted.Any(c => !c), "both are counted");
    }

    private static async Task<JsonNode> NextAsync(TransportPair client) => JsonNode.Parse(await client.ReceiveTextAsync())!;

    private static async Task<JsonNode> WelcomedAsync(TransportPair client)
    {
        JsonNode next = await NextAsync(client);
        next["connected"].Should().NotBeNull();
        return next;
    }

    private TransportPair Connect(JsonNode? last = null)
    {
        var client = new TransportPair();
        client.Running = _server.Io.RunAsync(client, ns: null, codec: _codec);
        client.Send(last is null
            ? """{"connect":"/"}"""
            : string.Create(CultureInfo.InvariantCulture, $$"""{"connect":"/","session":"{{last["session"]}}","seq":{{last["seq"]}}}"""));
        return client;
    }

    private void Log(string what)
    {
        lock (_log)
        {
            _log.Add(what);
        }
    }
}

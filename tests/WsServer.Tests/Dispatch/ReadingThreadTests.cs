using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Dispatch;

/// <summary>Which handlers run on the thread that reads from the client, and what becomes of one that blocks there.</summary>
public class ReadingThreadTests
{
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(3);

    [Fact]
    public async Task A_new_handler_runs_elsewhere_until_it_has_shown_that_it_is_quick()
    {
        var places = new List<bool>();
        await using Asker asker = await Asker.StartAsync(io => io.On("quick", _ => places.Add(Asker.IsOnReadingThread)));
        for (int i = 0; i < 20; i++)
        {
            await asker.AskAsync("quick");
        }

        places.Take(8).Should().AllBeEquivalentTo(false);
        places.Skip(8).Should().HaveCount(12).And.AllBeEquivalentTo(true);
    }

    [Fact]
    public async Task A_handler_that_is_proven_is_so_for_every_socket_and_no_other_handler_is()
    {
        var places = new List<bool>();
        await using Asker asker = await Asker.StartAsync(io =>
        {
            io.On("quick", _ => places.Add(Asker.IsOnReadingThread));
            io.On("other", _ => places.Add(Asker.IsOnReadingThread));
        });
        await asker.ProveQuickAsync("quick");
        var second = new BatchTransport();
        (_, string sid) = await asker.Server.ConnectAsync(transport: second);
        await TransportPair.UntilAsync(() => asker.Io.Root.FindSocket(sid)!.Life.IsQuiet, "it has joined");
        places.Clear();
        second.Send("""{"event":"quick","id":1}""");
        (await second.ReceiveTextAsync()).Should().Be("""{"ack":1}""");
        await asker.AskAsync("other");
        places.Should().Equal(true, false);
        await InMemoryServer.EndAsync(second);
    }

    [Fact]
    public async Task A_handler_that_never_is_quick_never_runs_on_the_reading_thread()
    {
        Asker? asker = null;
        var places = new List<bool>();
        await using Asker started = asker = await Asker.StartAsync(io => io.On("slow", _ =>
        {
            places.Add(Asker.IsOnReadingThread);
            asker!.Time.Advance(Slow);
        }));
        for (int i = 0; i < 50; i++)
        {
            await started.AskAsync("slow");
        }

        places.Should().HaveCount(50).And.AllBeEquivalentTo(false);
    }

    [Fact]
    public async Task To_emit_does_not_make_a_handler_slow_however_long_it_takes()
    {
        string sid = "";
        var places = new List<bool>();
        await using Asker asker = await Asker.StartAsync(io => io.On("tell", _ =>
        {
            places.Add(Asker.IsOnReadingThread);

            // More than is held back, so that it is sent within the handler.
            io.To(sid).EmitAsync("news", new string('x', 100_000));
        }));
        (TransportPair other, sid) = await asker.Server.ConnectAsync(transport: new LingeringTransport(asker.Time));
        for (int i = 0; i < 20; i++)
        {
            await asker.AskAsync("tell");
        }

        places.Skip(8).Should().HaveCount(12).And.AllBeEquivalentTo(true);
        await InMemoryServer.EndAsync(other);
    }

    [Fact]
    public async Task What_a_handler_awaits_is_not_counted_and_goes_on_elsewhere()
    {
        Task passage = Task.CompletedTask;
        var places = new List<(bool Before, bool After)>();
        await using Asker asker = await Asker.StartAsync(io => io.On("waits", async _ =>
        {
            bool before = Asker.IsOnReadingThread;
            await passage;
            places.Add((before, Asker.IsOnReadingThread));
        }));
        await asker.ProveQuickAsync("waits");
        places.Clear();
        for (int i = 0; i < 10; i++)
        {
            var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            passage = release.Task;
            int receives = asker.Client.Receives;
            asker.Client.Send("""{"event":"waits","id":1}""");
            await TransportPair.UntilAsync(() => asker.Client.Receives > receives, "the reading thread goes on");
            asker.Time.Advance(TimeSpan.FromSeconds(1));
            release.SetResult();
            (await asker.Client.ReceiveTextAsync()).Should().Be("""{"ack":1}""");
            await asker.IdleAsync();
        }

        places.Should().HaveCount(10).And.OnlyContain(p => p.Before && !p.After);
    }

    [Fact]
    public async Task Handlers_that_run_once_are_proven_together()
    {
        var places = new List<bool>();
        await using Asker asker = await Asker.StartAsync();
        for (int i = 0; i < 12; i++)
        {
            asker.Io.Once("once", _ => places.Add(Asker.IsOnReadingThread));
            await asker.AskAsync("once");
        }

        places.Should().Equal(Enumerable.Range(0, 12).Select(n => n >= 8));
    }

    [Theory]
    [InlineData(100, true)]
    [InlineData(2_000, false)]
    public async Task A_proven_handler_that_blocks_is_moved_away_and_the_connection_recovers(int milliseconds, bool comesBack)
    {
        var blocking = TimeSpan.FromMilliseconds(milliseconds);
        using var blocked = new SemaphoreSlim(0);
        using var release = new SemaphoreSlim(0);
        var places = new List<bool>();
        await using Asker asker = await Asker.StartAsync(io => io.On("work", (EventSocket _, bool blocks) =>
        {
            places.Add(Asker.IsOnReadingThread);
            if (blocks)
            {
                blocked.Release();
                release.Wait(Within.Reason).Should().BeTrue();
            }
        }));
        await asker.ProveQuickAsync("work", "false");
        places.Clear();

        // It holds the reading thread: the ping behind it is not read.
        asker.Client.SendTogether("""{"event":"work","data":true,"id":1}""", """{"ping":1}""");
        (await blocked.WaitAsync(Within.Reason)).Should().BeTrue();
        asker.Time.Advance(blocking);
        asker.Client.Drain().Should().BeEmpty();
        release.Release();
        (await asker.Client.ReceiveTextAsync()).Should().Be("""{"ack":1}""");
        (await asker.Client.ReceiveTextAsync()).Should().Be("""{"pong":1}""");
        await asker.IdleAsync();

        // From now on it blocks nobody but its own socket's events.
        asker.Client.SendTogether("""{"event":"work","data":true,"id":2}""", """{"event":"work","data":false,"id":3}""", """{"ping":2}""");
        (await blocked.WaitAsync(Within.Reason)).Should().BeTrue();
        asker.Time.Advance(blocking);
        (await asker.Client.ReceiveTextAsync()).Should().Be("""{"pong":2}""");
        release.Release();
        (await asker.Client.ReceiveTextAsync()).Should().Be("""{"ack":2}""");
        (await asker.Client.ReceiveTextAsync()).Should().Be("""{"ack":3}""");
        places.Should().Equal(true, false, false);

        // Quick again for long enough, it comes back; unless it has blocked for very long.
        await asker.IdleAsync();
        for (int i = 0; i < 60; i++)
        {
            await asker.AskAsync("work", "false");
        }

        places[^1].Should().Be(comesBack);
    }

    [Fact]
    public async Task A_client_whose_handler_blocks_the_reading_thread_is_not_taken_for_dead()
    {
        var time = new ManualTime();
        await using var server = new InMemoryServer(time: time);
        using var blocked = new SemaphoreSlim(0);
        using var release = new SemaphoreSlim(0);
        server.Io.On("work", (EventSocket _, bool blocks) =>
        {
            if (blocks)
            {
                Asker.IsOnReadingThread.Should().BeTrue();
                blocked.Release();
                release.Wait(Within.Reason).Should().BeTrue();
            }
        });
        var client = new HeartbeatTransportPair(time);
        (_, string sid) = await server.ConnectAsync(transport: client);
        EventSocket socket = server.Io.Root.FindSocket(sid)!;
        for (int i = 0; i < 8; i++)
        {
            client.Send($$"""{"event":"work","data":false,"id":{{i}}}""");
            (await client.ReceiveTextAsync()).Should().Be($$"""{"ack":{{i}}}""");
            await TransportPair.UntilAsync(() => socket.Life.IsQuiet, "the socket is idle");
        }

        client.Send("""{"event":"work","data":true,"id":"b"}""");
        (await blocked.WaitAsync(Within.Reason)).Should().BeTrue();
        for (int second = 0; second < 300; second++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
        }

        client.Pings.Should().BeGreaterThan(0, "the server has asked");
        client.IsGoodbyeSaid.Should().BeFalse();
        release.Release();
        (await client.ReceiveTextAsync()).Should().Be("""{"ack":"b"}""");
        client.Pong();
        client.Send("""{"ping":1}""");
        (await client.ReceiveTextAsync()).Should().Be("""{"pong":1}""");
        await InMemoryServer.EndAsync(client);
    }

    [Fact]
    public async Task An_event_that_nobody_handles_is_answered_in_its_place()
    {
        await using Asker asker = await Asker.StartAsync(io => io.On("quick", _ => { }));
        await asker.ProveQuickAsync("quick");
        await asker.ProveQuickAsync("none");
        int before = asker.Client.SendCalls;
        asker.Client.SendTogether("""{"event":"quick","id":1}""", """{"event":"none","id":2}""", """{"event":"none"}""", """{"event":"quick","id":3}""");
        (await asker.Client.ReceiveTextAsync()).Should().Be("""{"ack":1}""");
        (await asker.Client.ReceiveTextAsync()).Should().StartWith("""{"ack":2,"error":{"code":"unknown_event",""");
        (await asker.Client.ReceiveTextAsync()).Should().Be("""{"ack":3}""");
        asker.Client.SendCalls.Should().Be(before + 1);
    }

    [Fact]
    public async Task A_handler_of_the_sockets_own_runs_on_the_reading_thread_when_those_of_its_kind_are_quick()
    {
        var places = new List<bool>();
        await using Asker asker = await Asker.StartAsync(io => io.OnConnection(socket => { socket.On("own", _ => places.Add(Asker.IsOnReadingThread)); }));
        for (int i = 0; i < 12; i++)
        {
            await asker.AskAsync("own");
        }

        places.Should().Equal(Enumerable.Range(0, 12).Select(i => i >= 8));
    }

    /// <summary>Takes its time to send.</summary>
    private sealed class LingeringTransport(ManualTime time) : TransportPair, ITransport
    {
        ValueTask ITransport.SendAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
        {
            time.Advance(Slow);
            return SendAsync(packets, cancellationToken);
        }
    }
}

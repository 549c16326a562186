using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Dispatch;

/// <summary>Handlers that were begun on the reading thread, or elsewhere, and await something.</summary>
public class SuspendedHandlerTests
{
    // How an event's handler is run: on the reading thread, on another one, with middleware around it.
    public static TheoryData<string> Paths => new("proven", "new", "surrounded", "surrounded and proven");

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task An_id_that_is_used_again_while_the_first_runs_is_refused_and_the_first_is_answered_once(string path)
    {
        var gate = new Gate();
        int runs = 0;
        await using Asker asker = await StartAsync(path, io => io.On("work", async _ =>
        {
            Interlocked.Increment(ref runs);
            await gate.Passage;
        }));
        gate.Close();
        runs = 0;

        asker.Client.SendTogether("""{"event":"work","id":5}""", """{"event":"work","id":5}""", """{"event":"work","id":"5"}""", """{"ping":1}""");

        (await asker.Client.ReceiveTextAsync()).Should().StartWith("""{"error":{"code":"invalid_envelope",""").And.Contain("\"path\":\"id\"");
        (await asker.Client.ReceiveTextAsync()).Should().Be("""{"pong":1}""");
        gate.Open();
        (await asker.Client.ReceiveTextAsync()).Should().Be("""{"ack":5}""");
        (await asker.Client.ReceiveTextAsync()).Should().Be("""{"ack":"5"}""");
        await asker.IdleAsync();
        runs.Should().Be(2);

        // Answered, an id may be used again.
        asker.Client.Send("""{"event":"work","id":5}""");
        (await asker.Client.ReceiveTextAsync()).Should().Be("""{"ack":5}""");
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task An_id_may_be_used_again_when_its_handler_has_thrown(string path)
    {
        var gate = new Gate();
        await using Asker asker = await StartAsync(path, io => io.On("work", async (EventSocket _, bool throws) =>
        {
            await gate.Passage;
            if (throws)
            {
                throw new EventException("no_luck", "No luck.");
            }
        }));
        gate.Close();
        for (int i = 0; i < 3; i++)
        {
            asker.Client.Send("""{"event":"work","data":true,"id":5}""");
            gate.Open();
            (await asker.Client.ReceiveTextAsync()).Should().Be("""{"ack":5,"error":{"code":"no_luck","message":"No luck."}}""");
            gate.Close();
        }

        asker.Server.Errors.Should().BeEmpty();
        gate.Open();
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Events_wait_for_a_handler_that_awaits_and_keep_their_order_and_their_arguments(string path)
    {
        const int Events = 100;
        var gate = new Gate();
        var done = new List<string>();
        await using Asker asker = await StartAsync(path, io => io.On("work", async (EventSocket _, JsonArguments arguments) =>
        {
            await gate.Passage;
            if (arguments.Utf8.Length % 3 == 0)
            {
                await Task.Yield();
            }

            lock (done)
            {
                done.Add(arguments.ToString());
            }
        }));
        gate.Close();
        done.Clear();
        string[] data = [.. Enumerable.Range(0, Events).Select(i => $$"""{"n":{{i}},"text":"{{new string((char)('a' + (i % 26)), i * 7 % 50)}}"}""")];

        asker.Client.SendTogether(data.Select(d => $$"""{"event":"work","data":{{d}}}"""));
        await asker.ReuseBufferAsync(100);
        done.Should().BeEmpty();
        gate.Open();
        await asker.IdleAsync();

        done.Should().Equal(data);
    }

    [Fact]
    public async Task Quick_events_of_other_names_do_not_overtake_one_that_awaits()
    {
        var gate = new Gate();
        var done = new List<string>();
        await using Asker asker = await Asker.StartAsync(io =>
        {
            io.On("waits", async (EventSocket _, int n) =>
            {
                await gate.Passage;
                done.Add($"waited {n}");
            });
            io.OnRaw("quick", (_, arguments) => done.Add($"quick {arguments.ToString()}"));
            io.On("typed", (EventSocket _, string text) => done.Add($"typed {text}"));
        });
        await asker.ProveQuickAsync("waits", "0");
        await asker.ProveQuickAsync("quick", "0");
        await asker.ProveQuickAsync("typed", "\"\"");
        done.Clear();
        gate.Close();

        asker.Client.SendTogether(
            """{"event":"quick","data":1}""",
            """{"event":"waits","data":2}""",
            """{"event":"quick","data":3}""",
            """{"event":"typed","data":"four"}""",
            """{"event":"none","data":5}""",
            """{"event":"waits","data":6}""",
            """{"event":"quick","data":{"n":[7]}}""");
        await asker.ReuseBufferAsync(100);
        done.Should().Equal("quick 1");
        gate.Open();
        await asker.IdleAsync();
        done.Should().Equal("quick 1", "waited 2", "quick 3", "typed four", "waited 6", """quick {"n":[7]}""");
    }

    [Fact]
    public async Task Reading_waits_while_as_many_events_wait_as_may_and_none_is_lost()
    {
        const int Events = 500;
        var gate = new Gate();
        var done = new List<int>();
        await using Asker asker = await Asker.StartAsync(
            io => io.On("work", async (EventSocket _, int n) =>
            {
                await gate.Passage;
                done.Add(n);
            }),
            options => options.MaxQueuedEvents = 10);
        await asker.ProveQuickAsync("work", "0");
        done.Clear();
        gate.Close();
        int before = asker.Client.Receives;

        asker.Client.SendTogether(Enumerable.Range(0, Events).Select(n => $$"""{"event":"work","data":{{n}}}""").Append("""{"event":"work","data":500,"id":"last"}"""));
        await TransportPair.UntilAsync(() => asker.Client.Receives >= before + 11, "the queue is full");
        asker.Client.Receives.Should().BeLessThan(before + 20);
        gate.Open();
        await asker.ReceiveAsync("""{"ack":"last"}""");
        done.Should().Equal(Enumerable.Range(0, Events + 1));
    }

    private static async Task<Asker> StartAsync(string path, Action<EventServer> setup)
    {
        Asker asker = await Asker.StartAsync(io =>
        {
            setup(io);
            if (path.StartsWith("surrounded", StringComparison.Ordinal))
            {
                io.UseEvents((_, next) => next());
            }
        });
        if (path.EndsWith("proven", StringComparison.Ordinal))
        {
            await asker.ProveQuickAsync("work", "false");
        }

        return asker;
    }

    /// <summary>Lets handlers pass, or wait until it is opened.</summary>
    private sealed class Gate
    {
        private volatile TaskCompletionSource _passage = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Gate() => Open();

        public Task Passage => _passage.Task;

        public void Open() => _passage.TrySetResult();

        public void Close() => _passage = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Dispatch;

/// <summary>How long what a handler emits is held back, wherever the handler runs.</summary>
public class HeldByHandlersTests
{
    [Fact]
    public async Task What_the_events_that_waited_bring_leaves_in_one_send()
    {
        const int Events = 30;
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Asker asker = await Asker.StartAsync(io =>
        {
            io.On("wait", _ => release.Task);
            io.OnRaw("relay", (_, arguments) => { io.EmitAsync("news", arguments); });
        });
        (TransportPair other, _) = await asker.Server.ConnectAsync();
        asker.Client.SendTogether(Enumerable.Range(0, Events).Select(n => $$"""{"event":"relay","data":{{n}}}""").Prepend("""{"event":"wait"}"""));
        await asker.ReuseBufferAsync(10);
        int before = other.SendCalls;
        release.SetResult();
        for (int n = 0; n < Events; n++)
        {
            (await other.ReceiveTextAsync()).Should().Be($$"""{"event":"news","data":{{n}}}""");
        }

        other.SendCalls.Should().Be(before + 1);
        await InMemoryServer.EndAsync(other);
    }

    [Fact]
    public async Task What_a_handler_emits_that_is_known_to_block_leaves_at_once_behind_what_was_held()
    {
        using var blocked = new SemaphoreSlim(0);
        using var release = new SemaphoreSlim(0);
        Asker? asker = null;
        await using Asker started = asker = await Asker.StartAsync(io =>
        {
            io.On("block", async (EventSocket _, bool waits) =>
            {
                asker!.Time.Advance(TimeSpan.FromMilliseconds(100));
                await io.EmitAsync("news", 1);
                if (waits)
                {
                    blocked.Release();
                    release.Wait(Within.Reason).Should().BeTrue();
                }

                await io.EmitAsync("news", 2);
            });
            io.OnRaw("relay", (_, arguments) => { io.EmitAsync("news", arguments); });
        });
        (TransportPair other, _) = await asker.Server.ConnectAsync();
        for (int i = 0; i < 4; i++)
        {
            await asker.AskAsync("block", "false");
        }

        other.Drain();

        asker.Client.SendTogether("""{"event":"relay","data":0}""", """{"event":"block","data":true}""", """{"event":"relay","data":3}""");
        (await blocked.WaitAsync(Within.Reason)).Should().BeTrue();
        (await other.ReceiveTextAsync()).Should().Be("""{"event":"news","data":0}""");
        (await other.ReceiveTextAsync()).Should().Be("""{"event":"news","data":1}""");
        release.Release();
        (await other.ReceiveTextAsync()).Should().Be("""{"event":"news","data":2}""");
        (await other.ReceiveTextAsync()).Should().Be("""{"event":"news","data":3}""");
        await InMemoryServer.EndAsync(other);
    }

    [Fact]
    public async Task What_a_handler_has_emitted_before_it_blocks_leaves_with_the_next_tick_of_the_heartbeat()
    {
        using var blocked = new SemaphoreSlim(0);
        using var release = new SemaphoreSlim(0);
        await using Asker asker = await Asker.StartAsync(io => io.On("work", async (EventSocket _, bool blocks) =>
        {
            await io.EmitAsync("started", blocks);
            if (blocks)
            {
                blocked.Release();
                release.Wait(Within.Reason).Should().BeTrue();
            }
        }));
        (TransportPair other, _) = await asker.Server.ConnectAsync();
        await asker.ProveQuickAsync("work", "false");
        other.Drain();

        asker.Client.Send("""{"event":"work","data":true}""");
        (await blocked.WaitAsync(Within.Reason)).Should().BeTrue();
        other.Drain().Should().BeEmpty("it is held");
        asker.Time.Advance(asker.Options.PingInterval);
        (await other.ReceiveTextAsync()).Should().Be("""{"event":"started","data":true}""");
        release.Release();
        await InMemoryServer.EndAsync(other);
    }
}

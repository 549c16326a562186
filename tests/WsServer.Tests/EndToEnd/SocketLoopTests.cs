using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using FluentAssertions;
using Microsoft.AspNetCore.Connections;
using WsServer.Hosting;
using WsServer.Polling;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>The loops that wait for the sockets, under a whole server.</summary>
public sealed class SocketLoopTests : IDisposable
{
    // So many quick runs prove a handler; then it runs where it is read.
    private const int Proof = 12;

    private readonly SemaphoreSlim _blocked = new(0);
    private readonly SemaphoreSlim _release = new(0);
    private readonly ConcurrentQueue<bool> _isOnPool = new();

    public void Dispose()
    {
        _blocked.Dispose();
        _release.Dispose();
    }

    [Fact]
    public async Task A_proven_handler_that_blocks_does_not_hold_up_the_others_of_its_loop()
    {
        await using EventServerHost host = await StartAsync(loops: 1);
        await using EventClient first = await ProveAsync(host);
        await using EventClient second = await EventClient.ConnectAsync(host);
        _isOnPool.Last().Should().BeFalse("a proven handler runs on the loop's thread");

        await first.SendAsync("""{"event":"work","data":true,"id":100}""");
        (await _blocked.WaitAsync(Within.Reason)).Should().BeTrue();
        for (int i = 0; i < 20; i++)
        {
            (await second.AskAsync("echo", i.ToString(CultureInfo.InvariantCulture))).GetProperty("data").GetInt32().Should().Be(i);
        }

        _release.Release();
        await first.AckAsync(100);
        _isOnPool.Last().Should().BeFalse();
        await Within.UntilAsync(() => PollerOf(host)!.Loops.Single().Blocked == 0, "the thread has left the loop");
    }

    [Fact]
    public async Task More_handlers_that_block_than_there_are_threads_hold_up_nobody_else()
    {
        await using EventServerHost host = await StartAsync(loops: 1);
        await using EventClient other = await ProveAsync(host);
        var blocking = new List<EventClient>();
        for (int i = 0; i < PollLoop.MostBlocked + 2; i++)
        {
            blocking.Add(await EventClient.ConnectAsync(host));
            await blocking[i].SendAsync("""{"event":"work","data":true,"id":1}""");
            (await _blocked.WaitAsync(Within.Reason)).Should().BeTrue();
        }

        (await other.AskAsync("echo", "7")).GetProperty("data").GetInt32().Should().Be(7);
        _isOnPool.TakeLast(2).Should().AllBeEquivalentTo(true);

        _release.Release(blocking.Count);
        foreach (EventClient client in blocking)
        {
            await client.AckAsync(1);
            await client.DisposeAsync();
        }

        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Everybody_gets_its_own_in_order_while_others_come_and_go(int loops)
    {
        await using EventServerHost host = await StartAsync(loops);
        using var over = new CancellationTokenSource();
        Task[] coming = [.. Enumerable.Range(0, 3).Select(i => Task.Run(() => ComeAndGoAsync(host, isBreaking: i == 0, over.Token)))];

        await Task.WhenAll(Enumerable.Range(0, 6).Select(i => Task.Run(() => TalkAsync(host, i))));

        over.Cancel();
        await Within.TimeAsync(Task.WhenAll(coming), "those that come and go");
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "all are gone");
        await Within.UntilAsync(() => PollerOf(host) is not { } poller || poller.Loops.Sum(l => l.Count) == 0, "no socket is left in a loop");
        (PollerOf(host)?.Loops.Count ?? 0).Should().Be(loops);
        host.Log.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task The_loops_end_with_the_server_though_clients_wait()
    {
        EventServerHost host = await StartAsync(loops: 2);
        EventClient[] clients = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => EventClient.ConnectAsync(host)));
        Poller poller = PollerOf(host)!;
        poller.Loops.Select(l => l.Count).Should().Equal(2, 2);

        await Within.TimeAsync(host.DisposeAsync().AsTask(), "the end of the host");

        await Within.UntilAsync(() => poller.Loops.All(l => l.IsOver), "the loops are over");
        foreach (EventClient client in clients)
        {
            await client.DisposeAsync();
        }
    }

    private static Poller? PollerOf(EventServerHost host) =>
        host.App.Services.GetServices<IConnectionListenerFactory>().OfType<DirectListenerFactory>().Single().Poller;

    private Task<EventServerHost> StartAsync(int loops) => EventServerHost.StartAsync(
        io =>
        {
            io.On("echo", (EventSocket _, JsonElement data) => data);
            io.On("work", (EventSocket _, bool blocks) =>
            {
                _isOnPool.Enqueue(Thread.CurrentThread.IsThreadPoolThread);
                if (blocks)
                {
                    _blocked.Release();
                    _release.Wait(Within.Reason).Should().BeTrue();
                }
            });
        },
        o =>
        {
            o.SocketLoops = loops;
            o.Limits.ConnectionAttemptsPerSecond = 0;
        });

    private static async Task<EventClient> ProveAsync(EventServerHost host)
    {
        EventClient client = await EventClient.ConnectAsync(host);
        for (int i = 0; i < Proof; i++)
        {
            await client.AskAsync("work", "false");
        }

        return client;
    }

    private static async Task TalkAsync(EventServerHost host, int number)
    {
        await using EventClient client = await EventClient.ConnectAsync(host);
        var random = new Random(number);
        for (int i = 0; i < 100; i++)
        {
            // Now and then more than a buffer, and more than a socket takes.
            string text = JsonSerializer.Serialize($"{number} {i} {new string('x', random.Next(10) == 0 ? 300_000 : random.Next(200))}");
            (await client.AskAsync("echo", text)).GetProperty("data").GetRawText().Should().Be(text);
        }
    }

    private static async Task ComeAndGoAsync(EventServerHost host, bool isBreaking, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            await using EventClient client = await EventClient.ConnectAsync(host);
            (await client.AskAsync("echo", "1")).GetProperty("data").GetInt32().Should().Be(1);
            if (isBreaking)
            {
                client.Abort();
            }
            else
            {
                await client.CloseAsync();
            }
        }
    }
}

using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class OrderTests
{
    [Fact]
    public async Task A_client_that_has_read_connected_misses_nothing_that_is_emitted_from_then_on()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        for (int i = 0; i < 200; i++)
        {
            await using EventClient client = await EventClient.OpenAsync(host);
            (await client.NextAsync()).TryGetProperty("connected", out _).Should().BeTrue("nothing comes before that word");
            await host.Io.EmitAsync("x", i);
            (await client.EventAsync("x")).GetProperty("data").GetInt32().Should().Be(i);
        }
    }

    [Fact]
    public async Task Nothing_reaches_a_client_before_connected_while_others_emit_all_the_time()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        using var stop = new CancellationTokenSource();
        Task emitting = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await host.Io.EmitAsync("x", 1);
                await Task.Yield();
            }
        });
        for (int i = 0; i < 100; i++)
        {
            await using EventClient client = await EventClient.OpenAsync(host);
            (await client.NextAsync()).TryGetProperty("connected", out _).Should().BeTrue("nothing comes before that word");
        }

        await stop.CancelAsync();
        await emitting;
    }

    [Fact]
    public async Task The_events_of_each_of_fifty_senders_arrive_in_order_at_every_receiver()
    {
        const int Senders = 50, Receivers = 4, Each = 100;
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("say", async (EventSocket _, int sender, int n) =>
        {
            if ((sender + n) % 5 == 0)
            {
                await Task.Yield();
            }

            await io.To("listeners").EmitAsync("said", sender, n);
        }));
        EventClient[] receivers = await ConnectAsync(host, Receivers);
        foreach (EventClient receiver in receivers)
        {
            await host.Io.Root.FindSocket(receiver.Sid)!.JoinAsync("listeners");
        }

        EventClient[] senders = await ConnectAsync(host, Senders);
        await Task.WhenAll(senders.Select((client, sender) => Task.Run(async () =>
        {
            for (int n = 0; n < Each; n++)
            {
                await client.SendAsync($$"""{"event":"say","args":[{{sender}},{{n}}]}""");
            }

            // When the last is acked, all before it were emitted.
            await client.AskAsync("nothing");
        })));

        foreach (EventClient receiver in receivers)
        {
            List<JsonElement> said = await receiver.EventsSoFarAsync("said");
            said.Should().HaveCount(Senders * Each);
            foreach (IGrouping<int, int> group in said.Select(e => e.GetProperty("args")).GroupBy(a => a[0].GetInt32(), a => a[1].GetInt32()))
            {
                group.Should().Equal(Enumerable.Range(0, Each));
            }
        }

        foreach (EventClient client in senders.Concat(receivers))
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task Handlers_of_one_socket_never_overlap_and_those_of_two_do()
    {
        int running = 0, most = 0;
        var both = new TaskCompletionSource();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.On("one", async _ =>
            {
                most = Math.Max(most, Interlocked.Increment(ref running));
                await Task.Yield();
                Interlocked.Decrement(ref running);
            });
            int met = 0;
            io.On("meet", async _ =>
            {
                if (Interlocked.Increment(ref met) == 2)
                {
                    both.SetResult();
                }

                await both.Task;
            });
        });
        await using EventClient a = await EventClient.ConnectAsync(host);
        await using EventClient b = await EventClient.ConnectAsync(host);

        for (int i = 0; i < 200; i++)
        {
            await a.SendAsync("""{"event":"one"}""");
        }

        await a.AskAsync("one");
        await Task.WhenAll(a.AskAsync("meet"), b.AskAsync("meet"));

        most.Should().Be(1);
    }

    private static async Task<EventClient[]> ConnectAsync(EventServerHost host, int count)
    {
        var clients = new EventClient[count];
        for (int i = 0; i < count; i++)
        {
            clients[i] = await EventClient.ConnectAsync(host);
        }

        return clients;
    }
}

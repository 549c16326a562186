using System.Collections.Concurrent;
using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>The end of a server whose clients are busy.</summary>
public class ShutdownUnderLoadTests
{
    private const int Clients = 100;

    [Fact]
    public async Task Every_handled_event_is_acked_every_client_is_told_a_delay_of_its_own_and_closed_with_1001()
    {
        var handled = new ConcurrentDictionary<string, ConcurrentBag<int>>();
        var slow = new TaskCompletionSource();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.OnConnection(socket => { handled[socket.Id] = []; });
            io.On<int, int>("work", async (socket, number) =>
            {
                // Every tenth is under way when the server is told to stop.
                if (number % 10 == 9)
                {
                    await slow.Task;
                }

                handled[socket.Id].Add(number);
                return number;
            });
        });
        var workers = new List<Worker>();
        for (int i = 0; i < Clients; i++)
        {
            workers.Add(new Worker(await EventClient.ConnectAsync(host)));
        }

        Task[] working = [.. workers.Select(w => w.WorkAsync())];
        await Within.UntilAsync(() => workers.All(w => w.Acked.Count > 5), "all work");

        Task stopping = host.App.StopAsync();
        var delays = new List<int>();
        foreach (Worker worker in workers)
        {
            delays.Add((await worker.Client.ErrorAsync("shutting_down")).GetProperty("retryAfterMs").GetInt32());
        }

        slow.SetResult();
        await Within.TimeAsync(Task.WhenAll(working), "the clients see the end");
        await Within.TimeAsync(stopping, "the stop");

        foreach (Worker worker in workers)
        {
            worker.Client.CloseStatus.Should().Be(1001);
            worker.Acked.Should().BeEquivalentTo(handled[worker.Client.Sid], "what was handled was acked, and nothing else");
            worker.Acked.Concat(worker.Refused).Should().OnlyHaveUniqueItems();
            await worker.Client.DisposeAsync();
        }

        delays.Should().OnlyContain(d => d >= 1_000 && d <= 3_000);
        delays.Distinct().Should().HaveCountGreaterThan(Clients / 4, "they do not all come back at once");
        host.Log.Errors.Should().BeEmpty();
    }

    /// <summary>Sends one event after the other, several under way, until the server closes.</summary>
    private sealed class Worker(EventClient client)
    {
        private const int AtOnce = 4;

        public EventClient Client => client;

        public ConcurrentBag<int> Acked { get; } = [];

        public ConcurrentBag<int> Refused { get; } = [];

        public async Task WorkAsync()
        {
            int next = 0;
            await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async _ =>
            {
                while (await TryAskAsync(Interlocked.Increment(ref next)))
                {
                }
            }));
            await client.ClosedAsync();
        }

        private async Task<bool> TryAskAsync(int number)
        {
            try
            {
                JsonElement ack = await client.AskAsync("work", $"{number}");
                if (ack.TryGetProperty("error", out JsonElement error))
                {
                    error.GetProperty("code").GetString().Should().Be("shutting_down");
                    Refused.Add(number);
                    return false;
                }

                Acked.Add(ack.GetProperty("data").GetInt32());
                return true;
            }
            catch (Exception exception) when (exception is InvalidOperationException or System.Net.WebSockets.WebSocketException or IOException)
            {
                // Sent too late to be read. What was handled counts, and this was not.
                return false;
            }
        }
    }
}

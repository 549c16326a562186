using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Cluster;

/// <summary>All nodes are restarted one after the other while their clients work.</summary>
public sealed class RollingRestartTests
{
    private const int Nodes = 3;
    private const int Clients = 9;

    [Fact]
    public async Task No_acked_event_is_lost_and_no_client_is_left_behind()
    {
        await using TestHosts nodes = await TestHosts.StartAsync(Nodes, io =>
        {
            io.OnConnection(s => s.Recovered ? Task.CompletedTask : s.JoinAsync("room"));
            io.On<string, string>("say", async (_, what) =>
            {
                await io.To("room").EmitAsync("said", what);
                return what;
            });
        });
        var clients = new List<Talker>();
        for (int i = 0; i < Clients; i++)
        {
            clients.Add(new Talker(nodes, i, await RecoveringClient.ConnectAsync(nodes[i % Nodes])));
        }

        await Within.UntilAsync(() => nodes[0].Io.To("room").FetchSocketsAsync().Result.Count == Clients, "all are in the room");
        var stop = new TaskCompletionSource();
        Task[] talking = [.. clients.Select(c => c.TalkAsync(stop.Task))];
        for (int round = 0; round < Nodes; round++)
        {
            int acked = clients.Sum(c => c.Acked.Count);
            await Within.UntilAsync(() => clients.Sum(c => c.Acked.Count) > acked + (Clients * 10), "all work");
            await nodes.RestartAsync(round);
        }

        int last = clients.Sum(c => c.Acked.Count);
        await Within.UntilAsync(() => clients.Sum(c => c.Acked.Count) > last + (Clients * 10), "all work on after the last restart");
        stop.SetResult();
        await Within.TimeAsync(Task.WhenAll(talking), "the clients come to their end");

        string[] said = [.. clients.SelectMany(c => c.Acked)];
        foreach (Talker client in clients)
        {
            await Within.UntilAsync(() => said.All(client.Heard.ContainsKey), $"client {client.Number} has had all that was acked");
            client.Heard.Values.Should().AllSatisfy(times => times.Should().Be(1), "nothing comes twice");
            client.Anew.Should().Be(0, "each comes back to what it had");
        }

        clients.Sum(c => c.Comebacks).Should().BeGreaterThanOrEqualTo(Clients, "each node had clients");
        (await nodes[0].Io.To("room").FetchSocketsAsync()).Should().HaveCount(Clients);
        foreach (Talker client in clients)
        {
            await client.DisposeAsync();
        }
    }

    /// <summary>Says one thing after the other, and comes back whenever it is cut off.</summary>
    private sealed class Talker(TestHosts nodes, int number, RecoveringClient client) : IAsyncDisposable
    {
        private readonly Random _random = new(number);

        public int Number => number;

        public ConcurrentBag<string> Acked { get; } = [];

        /// <summary>How often it has had what was said.</summary>
        public ConcurrentDictionary<string, int> Heard { get; } = new();

        public int Comebacks { get; private set; }

        /// <summary>How often it came back to nothing.</summary>
        public int Anew { get; private set; }

        public async Task TalkAsync(Task stop)
        {
            int next = 0;
            string what = "";
            bool isAwaited = false;
            while (!stop.IsCompleted || isAwaited)
            {
                try
                {
                    if (!isAwaited)
                    {
                        // One that is not known to have been said is never said again: it may have been.
                        what = $"{number}.{next++}";
                        isAwaited = true;
                        await client.Connection.SendAsync($$"""{"event":"say","id":{{next}},"data":"{{what}}"}""");
                    }

                    JsonElement received = await client.Connection.NextAsync();
                    if (received.TryGetProperty("ack", out _))
                    {
                        isAwaited = false;
                        if (!received.TryGetProperty("error", out _))
                        {
                            Acked.Add(what);
                        }
                    }
                    else
                    {
                        Take(received);
                    }
                }
                catch (Exception exception) when (exception is InvalidOperationException or WebSocketException or IOException)
                {
                    isAwaited = false;
                    await ComeBackAsync();
                }
            }

            // What others have said last.
            _ = ReadOnAsync();
        }

        public ValueTask DisposeAsync() => client.DisposeAsync();

        private async Task ReadOnAsync()
        {
            try
            {
                while (true)
                {
                    Take(await client.Connection.NextAsync());
                }
            }
            catch (Exception exception) when (exception is InvalidOperationException or TimeoutException or ObjectDisposedException)
            {
                // It was disposed of, or nothing came any more.
                return;
            }
        }

        private async Task ComeBackAsync()
        {
            Comebacks++;
            await client.Connection.DisposeAsync();
            for (int attempt = _random.Next(Nodes); ; attempt++)
            {
                try
                {
                    foreach (JsonElement missed in await client.ComeBackAsync(nodes[attempt % Nodes]))
                    {
                        Take(missed);
                    }

                    Anew += client.IsRecovered ? 0 : 1;
                    return;
                }
                catch (Exception exception) when (exception is InvalidOperationException or WebSocketException or IOException)
                {
                    // A node that is down, or goes down.
                    await Task.Delay(_random.Next(5, 20));
                }
            }
        }

        private void Take(JsonElement received)
        {
            client.Note(received);
            if (received.TryGetProperty("event", out JsonElement name) && name.GetString() == "said")
            {
                Heard.AddOrUpdate(received.GetProperty("data").GetString()!, 1, (_, times) => times + 1);
            }
        }
    }
}

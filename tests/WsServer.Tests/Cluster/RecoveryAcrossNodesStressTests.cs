using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Cluster;

/// <summary>Clients that are cut off at random moments and come back to nodes at random, while every node emits.</summary>
public sealed class RecoveryAcrossNodesStressTests
{
    private const int Nodes = 3;
    private const int Clients = 3;
    private const int Events = 600;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Each_client_sees_each_event_once_and_in_the_order_of_each_node(int seed)
    {
        await using TestHosts nodes = await TestHosts.StartAsync(Nodes, io => io.OnConnection(s => s.Recovered ? Task.CompletedTask : s.JoinAsync("room")));
        var clients = new List<RecoveringClient>();
        for (int i = 0; i < Clients; i++)
        {
            clients.Add(await RecoveringClient.ConnectAsync(nodes[i % Nodes]));
        }

        await Within.UntilAsync(() => nodes[0].Io.To("room").FetchSocketsAsync().Result.Count == Clients, "all are in the room");
        string[] sids = [.. clients.Select(c => c.Sid)];
        using var cancellation = new CancellationTokenSource();
        Task<(List<int>[] Seen, int Moves)>[] reading = [.. clients.Select((c, i) => ReadAsync(nodes, c, new Random((seed * 100) + i), cancellation.Token))];
        try
        {
            await Task.WhenAll(Enumerable.Range(0, Nodes).Select(n => Task.Run(() => SendAsync(nodes[n], n, sids, new Random((seed * 10) + n)))));
            await Task.WhenAll(reading).WaitAsync(Within.Reason * 2);
        }
        finally
        {
            await cancellation.CancelAsync();
        }

        foreach ((List<int>[] seen, int moves) in await Task.WhenAll(reading))
        {
            moves.Should().BeGreaterThan(3);
            seen.Should().AllSatisfy(s => s.Should().Equal(Enumerable.Range(0, Events)));
        }

        for (int i = 0; i < Nodes; i++)
        {
            nodes[i].Log.Errors.Should().BeEmpty();
        }

        foreach (RecoveringClient client in clients)
        {
            await client.DisposeAsync();
        }
    }

    // Each number reaches every client, in one of the ways in which an event may.
    private static async Task SendAsync(EventServerHost node, int sender, string[] sids, Random random)
    {
        for (int i = 0; i < Events; i++)
        {
            switch (random.Next(4))
            {
                case 0:
                    await node.Io.EmitAsync("n", sender, i);
                    break;
                case 1:
                    await node.Io.To("room", "nobody").EmitAsync("n", sender, i);
                    break;
                case 2:
                    await node.Io.Except("nobody").EmitAsync("n", sender, i);
                    break;
                default:
                    await node.Io.To(sids[0]).EmitAsync("n", sender, i);
                    await node.Io.Except(sids[0]).EmitAsync("n", sender, i);
                    break;
            }

            await node.Io.Volatile.EmitAsync("noise", i);
            if (random.Next(10) == 0)
            {
                await Task.Delay(random.Next(1, 5));
            }
        }
    }

    private static async Task<(List<int>[] Seen, int Moves)> ReadAsync(TestHosts nodes, RecoveringClient client, Random random, CancellationToken cancellation)
    {
        var seen = Enumerable.Range(0, Nodes).Select(_ => new List<int>()).ToArray();
        int moves = 0;
        while (seen.Any(s => s.Count < Events))
        {
            int left = random.Next(200);
            while (left-- > 0 && seen.Any(s => s.Count < Events) && await TryNextAsync(client.Connection) is { } received)
            {
                cancellation.ThrowIfCancellationRequested();
                Take(received);
            }

            if (seen.All(s => s.Count == Events))
            {
                break;
            }

            // What has arrived behind it is lost with the connection, as if it had been on its way.
            moves++;
            EventClient old = client.Connection;
            if (random.Next(3) > 0)
            {
                old.Abort();
                await Task.Delay(random.Next(10), cancellation);
            }

            await client.ReopenAsync(nodes[random.Next(Nodes)]);
            if (random.Next(3) == 0)
            {
                // Cut off once more, while it is being let in, and off to another node.
                await using EventClient again = client.Connection;
                await Task.Delay(random.Next(5), cancellation);
                again.Abort();
                await Task.Delay(random.Next(5), cancellation);
                await client.ReopenAsync(nodes[random.Next(Nodes)]);
            }

            await old.DisposeAsync();
            JsonElement? next = await TryNextAsync(client.Connection);
            while (next is { } before && !before.TryGetProperty("connected", out _))
            {
                Take(before);
                next = await TryNextAsync(client.Connection);
            }

            if (next is { } connected)
            {
                connected.GetProperty("recovered").GetBoolean().Should().BeTrue();
                client.Note(connected);
            }
        }

        return (seen, moves);

        // Null when the server has closed, as it may when it notices late which connection was the last.
        static async Task<JsonElement?> TryNextAsync(EventClient connection)
        {
            try
            {
                return await connection.NextAsync();
            }
            catch (InvalidOperationException) when (connection.CloseStatus is 4409 or 1013)
            {
                return null;
            }
        }

        void Take(JsonElement received)
        {
            if (received.TryGetProperty("seq", out JsonElement seq))
            {
                seq.GetInt64().Should().BeGreaterThan(client.Seq!.Value, "numbers rise for each receiver, over all nodes");
            }

            client.Note(received);
            if (received.GetProperty("event").GetString() == "n")
            {
                JsonElement args = received.GetProperty("args");
                seen[args[0].GetInt32()].Add(args[1].GetInt32());
            }
        }
    }
}

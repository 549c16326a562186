using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>Clients that are cut off at random moments while several threads emit.</summary>
public class RecoveryStressTests
{
    private const int Senders = 3;
    private const int Events = 1_500;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Each_client_sees_each_event_once_and_in_order(int seed)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.OnConnection(s => s.Recovered ? Task.CompletedTask : s.JoinAsync("room")));
        RecoveringClient[] clients = [.. await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => RecoveringClient.ConnectAsync(host)))];
        await Within.UntilAsync(() => host.Io.To("room").CountAsync().Result == clients.Length, "all are in the room");

        // Those of the beginning: their clients come back to others of the same ids.
        EventSocket[] sockets = [.. clients.Select(c => host.Io.Root.FindSocket(c.Sid)!)];
        using var cancellation = new CancellationTokenSource();
        Task<(List<int>[] Seen, int Cuts)>[] reading = [.. clients.Select((c, i) => ReadAsync(c, new Random((seed * 100) + i), cancellation.Token))];

        Task[] sending = [.. Enumerable.Range(0, Senders).Select(s => Task.Run(() => SendAsync(host, s, sockets, new Random((seed * 10) + s))))];
        await Task.WhenAll(sending);
        await Within.TimeAsync(Task.WhenAll(reading), "the last event");
        foreach ((List<int>[] seen, int cuts) in await Task.WhenAll(reading))
        {
            cuts.Should().BeGreaterThan(5);
            seen.Should().AllSatisfy(s => s.Should().Equal(Enumerable.Range(0, Events)));
        }

        host.Log.Errors.Should().BeEmpty();
        foreach (RecoveringClient client in clients)
        {
            await client.DisposeAsync();
        }
    }

    // Each number reaches every client, in one of the ways in which an event may.
    private static async Task SendAsync(EventServerHost host, int sender, EventSocket[] sockets, Random random)
    {
        for (int i = 0; i < Events; i++)
        {
            switch (random.Next(4))
            {
                case 0:
                    await host.Io.EmitAsync("n", sender, i);
                    break;
                case 1:
                    await host.Io.To("room", "nobody").EmitAsync("n", sender, i);
                    break;
                case 2:
                    await host.Io.Except("nobody").EmitAsync("n", sender, i);
                    break;
                default:
                    await sockets[0].EmitAsync("n", sender, i);
                    await host.Io.To(sockets[1].Id).EmitAsync("n", sender, i);
                    await host.Io.Except(sockets[0].Id, sockets[1].Id).EmitAsync("n", sender, i);
                    break;
            }

            await host.Io.Volatile.EmitAsync("noise", i);
            if (random.Next(20) == 0)
            {
                await Task.Delay(random.Next(1, 5));
            }
        }
    }

    private static async Task<(List<int>[] Seen, int Cuts)> ReadAsync(RecoveringClient client, Random random, CancellationToken cancellation)
    {
        var seen = Enumerable.Range(0, Senders).Select(_ => new List<int>()).ToArray();
        int cuts = 0;
        while (seen.Any(s => s.Count < Events))
        {
            int left = random.Next(300);
            while (left-- > 0 && seen.Any(s => s.Count < Events))
            {
                cancellation.ThrowIfCancellationRequested();
                if (await TryNextAsync(client.Connection) is not { } received)
                {
                    break;
                }

                Take(received);
            }

            if (seen.All(s => s.Count == Events))
            {
                break;
            }

            // What has arrived behind it is lost with the connection, as if it had been on its way.
            cuts++;
            EventClient old = client.Connection;
            switch (random.Next(3))
            {
                case 0:
                    old.Abort();
                    break;
                case 1:
                    await Task.Delay(random.Next(10), cancellation);
                    old.Abort();
                    await Task.Delay(random.Next(10), cancellation);
                    break;
            }

            await client.ReopenAsync();
            if (random.Next(3) == 0)
            {
                // Cut off once more, while it is being let in.
                await using EventClient again = client.Connection;
                await Task.Delay(random.Next(3), cancellation);
                again.Abort();
                await client.ReopenAsync();
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

        return (seen, cuts);

        // Null when the server has closed, as it may when it notices late which connection was the last.
        static async Task<JsonElement?> TryNextAsync(EventClient connection)
        {
            try
            {
                return await connection.NextAsync();
            }
            catch (InvalidOperationException) when (connection.CloseStatus == 4409)
            {
                return null;
            }
        }

        void Take(JsonElement received)
        {
            if (received.TryGetProperty("seq", out JsonElement seq))
            {
                seq.GetInt64().Should().BeGreaterThan(client.Seq!.Value, "numbers rise for each receiver");
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

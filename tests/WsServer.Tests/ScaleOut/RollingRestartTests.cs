using FluentAssertions;
using WsServer.Tests.Backplane;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.ScaleOut;

/// <summary>All nodes are replaced one after the other while clients talk, as a deployment does.</summary>
[Collection(nameof(SharedBroker))]
public class RollingRestartTests(SharedBroker shared)
{
    [NodesFact]
    public async Task A_rolling_restart_under_load_loses_nothing_that_was_acked_and_ends_with_everybody_there()
    {
        const int Nodes = 3;
        await using ServerGroup group = await ServerGroup.StartAsync(
            [.. Enumerable.Repeat(shared.Broker.Uri, Nodes)], $"--Events:RabbitMQ:Exchange=test-{Guid.NewGuid():N}");
        RoamingClient[] clients = [.. Enumerable.Range(0, 9).Select(i => new RoamingClient(group.Balancer.Ws, $"client-{i}"))];
        try
        {
            await AllThereAsync(clients);
            Array.ForEach(clients, c => c.Talk());
            for (int node = 0; node < Nodes; node++)
            {
                await group.StopNodeAsync(node);
                await group.StartNodeAsync(node);
                await AllThereAsync(clients);

                // Before the next one goes, nginx knows of this one, as it would have been told by who deploys.
                await Task.WhenAll((await group.ConnectToEachAsync()).Select(c => c.DisposeAsync().AsTask()));
            }

            Array.ForEach(clients, c => c.BeQuiet());
            await AllThereAsync(clients);
            clients.Should().OnlyContain(c => c.Connections > 1, "each node has been restarted");
            clients.Should().OnlyContain(c => c.Recovered == c.Connections - 1, "each has come back to what it had, every time");
            foreach (RoamingClient listener in clients)
            {
                foreach (RoamingClient talker in clients.Where(c => c != listener))
                {
                    await AllHeardAsync(listener, talker);
                }
            }

            clients.Sum(c => c.Promised.Count).Should().BeGreaterThan(100);
        }
        finally
        {
            await Task.WhenAll(clients.Select(c => c.DisposeAsync().AsTask()));
        }
    }

    // Whatever was acked was heard, once and in order, wherever the listener was and whether it was there at the time.
    private static async Task AllHeardAsync(RoamingClient listener, RoamingClient talker)
    {
        int[] Missing() => [.. talker.Promised.Except(listener.HeardFrom(talker.Name))];
        await Within.UntilAsync(() => Missing().Length == 0, () => $"{listener.Name} has heard what {talker.Name} said; missing: {string.Join(' ', Missing())} of {talker.Said}");
        listener.HeardFrom(talker.Name).Should().BeInAscendingOrder($"{listener.Name} hears {talker.Name} in order").And.OnlyHaveUniqueItems();
    }

    private static Task AllThereAsync(RoamingClient[] clients) => Within.UntilAsync(() => Array.TrueForAll(clients, c => c.IsThere), "all clients are in the room");
}

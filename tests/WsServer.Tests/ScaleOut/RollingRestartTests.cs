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
    public async Task A_rolling_restart_loses_nothing_that_was_acked_for_those_who_stay_and_ends_with_everybody_there()
    {
        const int Nodes = 3;
        await using ServerGroup group = await ServerGroup.StartAsync(
            [.. Enumerable.Repeat(shared.Broker.Uri, Nodes)], $"--Events:RabbitMQ:Exchange=test-{Guid.NewGuid():N}");
        RoamingClient[] clients = [.. Enumerable.Range(0, 9).Select(i => new RoamingClient(group.Balancer.Ws, $"client-{i}"))];
        try
        {
            await AllThereAsync(clients);
            for (int node = 0; node < Nodes; node++)
            {
                await RestartAsync(group, node, clients);
            }

            Array.ForEach(clients, c => c.BeQuiet());
            await AllThereAsync(clients);
            clients.Should().OnlyContain(c => c.Connections > 1, "each node has been restarted");
            foreach ((RoamingClient listener, RoamingClient talker) in Pairs(clients))
            {
                listener.HeardFrom(talker.Name).Should().BeInAscendingOrder($"{listener.Name} hears {talker.Name} in order").And.OnlyHaveUniqueItems();
            }

            clients.Sum(c => c.Promised.Count).Should().BeGreaterThan(100);
        }
        finally
        {
            await Task.WhenAll(clients.Select(c => c.DisposeAsync().AsTask()));
        }
    }

    // What is acked meanwhile reaches all who were in the room all the time, whoever said it.
    private static async Task RestartAsync(ServerGroup group, int node, RoamingClient[] clients)
    {
        int[] connections = [.. clients.Select(c => c.Connections)];
        int[] first = [.. clients.Select(c => c.Said)];
        await group.StopNodeAsync(node);
        await group.StartNodeAsync(node);
        await AllThereAsync(clients);

        // Before the next one goes, nginx knows of this one, as it would have been told by who deploys.
        await Task.WhenAll((await group.ConnectToEachAsync()).Select(c => c.DisposeAsync().AsTask()));
        RoamingClient[] steady = [.. clients.Where((c, i) => c.Connections == connections[i])];
        steady.Should().NotBeEmpty($"only node {node} was stopped; connections were {string.Join(' ', connections)}, and are {string.Join(' ', clients.Select(c => c.Connections))}");
        for (int i = 0; i < clients.Length; i++)
        {
            RoamingClient talker = clients[i];
            int[] promised = [.. talker.Promised.Where(n => n > first[i])];
            foreach (RoamingClient listener in steady.Where(c => c != talker))
            {
                await Within.UntilAsync(
                    () => !promised.Except(listener.HeardFrom(talker.Name)).Any(),
                    $"{listener.Name} has heard what {talker.Name} said; missing: {string.Join(' ', promised.Except(listener.HeardFrom(talker.Name)))}");
            }
        }
    }

    private static Task AllThereAsync(RoamingClient[] clients) => Within.UntilAsync(() => Array.TrueForAll(clients, c => c.IsThere), "all clients are in the room");

    private static IEnumerable<(RoamingClient Listener, RoamingClient Talker)> Pairs(RoamingClient[] clients) =>
        from listener in clients from talker in clients where listener != talker select (listener, talker);
}

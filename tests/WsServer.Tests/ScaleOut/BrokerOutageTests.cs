using FluentAssertions;
using WsServer.Tests.Backplane;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.ScaleOut;

/// <summary>Nodes whose broker goes, or cannot be reached, and comes back.</summary>
[Collection(nameof(SharedBroker))]
public class BrokerOutageTests(SharedBroker shared)
{
    // A dead connection is noticed soon; attempts to connect follow each other quickly.
    private static readonly string[] Impatient =
        ["--Events:RabbitMQ:Heartbeat=00:00:02", "--Events:RabbitMQ:ConnectTimeout=00:00:02", "--Events:RabbitMQ:MaxReconnectDelay=00:00:01"];

    [NodesFact]
    public async Task What_is_said_while_the_broker_is_away_arrives_in_order_when_it_is_back()
    {
        const string Password = "s3cret-of-the-nodes";
        await using RabbitBroker broker = await RabbitBroker.StartAsync();

        // With the rights that docs/scale-out.md says are enough.
        await broker.ControlAsync("add_user", "nodes", Password);
        await broker.ControlAsync("set_permissions", "nodes", "^wsserver($|\\.)", "^(wsserver($|\\.)|amq\\.default$)", "^wsserver($|\\.)");
        string uri = $"amqp://nodes:{Password}@127.0.0.1:{broker.Port}";
        await using ServerGroup group = await ServerGroup.StartAsync([uri, uri], Impatient);
        await using EventClient here = await JoinedAsync(group, 0);
        await using EventClient alsoHere = await JoinedAsync(group, 0);
        await using EventClient there = await JoinedAsync(group, 1);
        await SayAsync(here, 0);
        await HeardAsync(alsoHere, 0);
        await HeardAsync(there, 0);

        await broker.StopAsync();
        await group.HealthAsync(0, "Degraded");
        await group.HealthAsync(1, "Degraded");
        for (int i = 1; i <= 200; i++)
        {
            await SayAsync(here, i);
        }

        for (int i = 1; i <= 200; i++)
        {
            await HeardAsync(alsoHere, i);
        }

        (await there.EventsSoFarAsync("said")).Should().BeEmpty();

        await broker.StartAgainAsync();
        for (int i = 1; i <= 200; i++)
        {
            await HeardAsync(there, i);
        }

        await group.HealthAsync(0, "Healthy");
        await group.HealthAsync(1, "Healthy");
        await SayAsync(there, 201);
        await HeardAsync(here, 201);
        await SayAsync(here, 202);
        await HeardAsync(there, 202);
        for (int i = 0; i < 2; i++)
        {
            group.Process(i).Transcript.Should().Contain("The connection to the other nodes is lost").And.Contain("Connecting to amqp://nodes@127.0.0.1").And.NotContain(Password);
        }
    }

    [NodesFact]
    public async Task A_node_that_is_cut_off_from_the_broker_in_silence_catches_up_when_it_reaches_it_again()
    {
        bool isCut = false;
        await using var network = new ChaosProxy(
            shared.Broker.Endpoint, seed: 1, _ => Volatile.Read(ref isCut) ? new ChaosScript(Hole(), Hole()) : ChaosScript.Clean);
        string exchange = $"test-{Guid.NewGuid():N}";
        await using ServerGroup group = await ServerGroup.StartAsync(
            [shared.Broker.Uri, $"amqp://127.0.0.1:{network.Http.Port}"], [.. Impatient, $"--Events:RabbitMQ:Exchange={exchange}"]);
        await using EventServerHost watcher = await WatchingNode.StartAsync(shared.Broker.Uri, exchange);
        await Within.UntilAsync(() => watcher.Io.Nodes.Count == 3, "the nodes know one another");
        await using EventClient here = await JoinedAsync(group, 0);
        await using EventClient cutOff = await JoinedAsync(group, 1);
        await using EventClient alsoCutOff = await JoinedAsync(group, 1);

        Volatile.Write(ref isCut, true);
        foreach (ChaosLink link in network.Links)
        {
            link.Cut(ChaosFault.BlackHole);
        }

        for (int i = 0; i < 100; i++)
        {
            await SayAsync(here, i);
            await SayAsync(cutOff, 1000 + i);
            await HeardAsync(alsoCutOff, 1000 + i);
        }

        await group.HealthAsync(1, "Degraded");
        await Within.UntilAsync(() => watcher.Io.Nodes.Count == 2, "the node is given up");
        (await group.HealthAsync(0)).Should().Be("Healthy");
        (await cutOff.EventsSoFarAsync("said")).Should().BeEmpty();
        (await here.EventsSoFarAsync("said")).Should().BeEmpty();

        Volatile.Write(ref isCut, false);
        foreach (ChaosLink link in network.Links)
        {
            link.Cut(ChaosFault.Reset);
        }

        await group.HealthAsync(1, "Healthy");
        for (int i = 0; i < 100; i++)
        {
            await HeardAsync(cutOff, i);
            await HeardAsync(here, 1000 + i);
        }

        await Within.UntilAsync(() => watcher.Io.Nodes.Count == 3, "the node is there again");
        (await watcher.Io.Of("/chat").In("room:dev").CountAsync()).Should().Be(3);

        static ChaosCourse Hole() => new() { Fault = ChaosFault.BlackHole };
    }

    private static async Task<EventClient> JoinedAsync(ServerGroup group, int node)
    {
        EventClient client = await group.ConnectAsync(node, "/chat");
        await client.AskAsync("join-room", """{"type":"dev","user":"somebody"}""");
        return client;
    }

    private static async Task SayAsync(EventClient client, int number) =>
        (await client.AskAsync("say", $$"""{"room":"room:dev","msg":"{{number}}"}""")).TryGetProperty("error", out _).Should().BeFalse();

    // The next one, whichever it is: order counts.
    private static async Task HeardAsync(EventClient client, int number) =>
        (await client.EventAsync("said")).GetProperty("data").GetProperty("msg").GetString().Should().Be($"{number}");
}

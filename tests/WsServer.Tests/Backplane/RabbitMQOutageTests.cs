using System.Globalization;
using FluentAssertions;
using WsServer.RabbitMQ;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Backplane;

/// <summary>What becomes of nodes whose broker stops, dies, stands still, is short of memory, or is not there yet.</summary>
public sealed class RabbitMQOutageTests : IAsyncLifetime, IDisposable
{
    private readonly List<RecordingNode> _nodes = [];
    private readonly CollectedLog _log = new();
    private RabbitBroker? _broker;

    private RabbitBroker Broker => _broker ?? throw new InvalidOperationException("RabbitMQ is missing.");

    public async Task InitializeAsync()
    {
        if (RabbitMQFactAttribute.Reason is null)
        {
            _broker = await RabbitBroker.StartAsync();
        }
    }

    public async Task DisposeAsync()
    {
        foreach (RecordingNode node in _nodes)
        {
            await node.DisposeAsync();
        }

        if (_broker is not null)
        {
            await _broker.DisposeAsync();
        }
    }

    public void Dispose() => _log.Dispose();

    [RabbitMQFact]
    public async Task Around_a_restart_of_the_broker_order_is_kept_and_only_what_lay_there_is_lost()
    {
        RecordingNode a = await StartAsync("a"), b = await StartAsync("b", "red");
        var publisher = new SteadyPublisher(a, "red");
        Task publishing = publisher.PublishAsync(0, 20_000);
        await b.UntilCountAsync(2_000);

        await Broker.StopAsync();
        await a.UntilDisconnectedAsync();
        await b.UntilDisconnectedAsync();
        int last = SteadyPublisher.WithoutRepeats(b)[^1];
        await Broker.StartAgainAsync();
        await publishing;
        await Within.UntilAsync(() => b.Texts is [.., "19999"], "the last has arrived");

        // What the broker had confirmed and not delivered, it had in memory; it is one piece.
        List<int> arrived = SteadyPublisher.WithoutRepeats(b);
        int first = arrived.First(n => n > last);
        arrived.Should().Equal([.. Enumerable.Range(0, last + 1), .. Enumerable.Range(first, 20_000 - first)]);
        b.States.Should().StartWith("new").And.EndWith("new");
        publisher.Repeated.Should().BePositive();
    }

    [RabbitMQFact]
    public async Task After_a_crash_of_the_broker_what_others_published_before_a_node_was_back_is_there()
    {
        ChaosProxy proxy = new(Broker.Endpoint, seed: 1, _ => ChaosScript.Clean);
        RecordingNode a = await StartAsync("a"), b = await StartAsync("b", o => o.Uri = $"amqp://127.0.0.1:{proxy.Http.Port}", "red");
        await a.PublishAsync("before", "red");
        await b.UntilCountAsync(1);
        int port = proxy.Http.Port;
        await Broker.KillAsync();
        await a.UntilDisconnectedAsync();
        await proxy.DisposeAsync();

        await Broker.StartAgainAsync();
        await a.UntilConnectedAsync(2);
        string[] whileAway = [.. Enumerable.Range(0, 50).Select(i => i.ToString(CultureInfo.InvariantCulture))];
        foreach (string text in whileAway)
        {
            await a.PublishAsync(text, "red");
        }

        await using ChaosProxy again = new(Broker.Endpoint, seed: 1, _ => ChaosScript.Clean, port);
        await b.UntilConnectedAsync(2);
        await a.PublishAsync("after", "red");
        await b.UntilCountAsync(52);

        b.Texts.Should().Equal(["before", .. whileAway, "after"]);
        b.States.Should().EndWith("new");
        await b.DisposeAsync();
    }

    [RabbitMQFact]
    public async Task A_node_may_start_before_its_broker()
    {
        await Broker.StopAsync();
        RecordingNode a = Add("a", _ => { });
        a.Start();
        await a.SubscribeAsync("red");
        await a.UntilDisconnectedAsync();
        await a.Invoking(n => n.PublishAsync("too early", "red")).Should().ThrowAsync<IOException>();

        await Broker.StartAgainAsync();
        await a.UntilConnectedAsync();
        await a.PublishAsync("now", "red");
        await a.UntilCountAsync(1);

        a.Texts.Should().Equal("now");
        a.ConnectedCount.Should().Be(1);
    }

    [RabbitMQFact]
    public async Task A_broker_that_stands_still_is_noticed_and_resumed_when_it_goes_on()
    {
        RecordingNode a = await StartAsync("a"), b = await StartAsync("b", "red");
        var publisher = new SteadyPublisher(a, "red");
        await publisher.PublishAsync(0, 100);
        await b.UntilCountAsync(100);

        Broker.Pause();
        Task publishing = publisher.PublishAsync(100, 1_000);

        // More than the network takes: who publishes waits for room, and is not to wait for ever.
        Task large = Task.WhenAll(Enumerable.Range(0, 64).Select(_ => a.Backplane.PublishAsync(new byte[1024 * 1024], ["nobody"]).AsTask()));
        await a.UntilDisconnectedAsync();
        await b.UntilDisconnectedAsync();
        await Within.TimeAsync(large.ContinueWith(_ => { }, TaskScheduler.Default), "the large messages");
        large.IsFaulted.Should().BeTrue();
        Broker.Continue();
        await publishing;
        await Within.UntilAsync(() => b.Texts is [.., "999"], "the last has arrived", TimeSpan.FromSeconds(60));

        SteadyPublisher.WithoutRepeats(b).Should().Equal(Enumerable.Range(0, 1_000));
        b.States.Should().EndWith("resumed");
    }

    [RabbitMQFact]
    public async Task The_end_of_a_node_does_not_wait_for_a_broker_that_stands_still()
    {
        RecordingNode a = await StartAsync("a", "red"), b = await StartAsync("b", o => o.Heartbeat = TimeSpan.FromMinutes(1));

        Broker.Pause();
        Task publishing = b.Backplane.PublishAsync(new byte[10], ["red"]).AsTask();
        await Within.TimeAsync(a.DisposeAsync().AsTask(), "the end of a");
        await Within.TimeAsync(b.DisposeAsync().AsTask(), "the end of b");

        await FluentActions.Awaiting(() => Within.TimeAsync(publishing, "what b published")).Should().ThrowAsync<IOException>();
        Broker.Continue();
    }

    [RabbitMQFact]
    public async Task The_end_of_a_node_does_not_wait_for_a_broker_that_is_away()
    {
        RecordingNode a = await StartAsync("a");
        await Broker.KillAsync();
        await a.UntilDisconnectedAsync();

        await Within.TimeAsync(a.DisposeAsync().AsTask(), "the end of a");
    }

    [RabbitMQFact]
    public async Task A_broker_that_is_short_of_memory_takes_messages_later_and_delivers_what_it_has()
    {
        RecordingNode a = await StartAsync("a"), b = await StartAsync("b", "red");
        await a.PublishAsync("before", "red");

        await Broker.ControlAsync("set_vm_memory_high_watermark", "0.000001");
        Task blocked = a.Backplane.PublishAsync("blocked"u8.ToArray(), ["red"]).AsTask();
        await Within.UntilAsync(() => _log.Entries.Any(e => e.Message.Contains("takes no messages for now", StringComparison.Ordinal)), "it is told");
        await b.SubscribeAsync("blue");
        blocked.IsCompleted.Should().BeFalse();
        await Broker.ControlAsync("set_vm_memory_high_watermark", "0.8");
        await Within.TimeAsync(blocked, "the message that had to wait");
        await b.UntilCountAsync(2);

        b.Texts.Should().Equal("before", "blocked");
        await Within.UntilAsync(() => _log.Entries.Any(e => e.Message.Contains("takes messages again", StringComparison.Ordinal)), "it is told again");
        a.States.Should().Equal("new");
    }

    private Task<RecordingNode> StartAsync(string id, params string[] channels) => StartAsync(id, _ => { }, channels);

    private async Task<RecordingNode> StartAsync(string id, Action<RabbitMQOptions> configure, params string[] channels)
    {
        RecordingNode node = Add(id, configure);
        node.Start();
        await node.UntilConnectedAsync();
        foreach (string channel in channels)
        {
            await node.SubscribeAsync(channel);
        }

        return node;
    }

    private RecordingNode Add(string id, Action<RabbitMQOptions> configure)
    {
        var node = new RecordingNode(
            RabbitMQNodes.Create(
                Broker.Uri,
                options =>
                {
                    options.Heartbeat = TimeSpan.FromSeconds(2);
                    options.ConnectTimeout = TimeSpan.FromSeconds(5);
                    options.MaxReconnectDelay = TimeSpan.FromMilliseconds(500);
                    configure(options);
                },
                _log),
            id);
        _nodes.Add(node);
        return node;
    }
}

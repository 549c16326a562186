using FluentAssertions;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using WsServer.RabbitMQ;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Backplane;

/// <summary>What becomes of a node whose connection is cut, refused, or not what it expects; the broker goes on.</summary>
[Collection(nameof(SharedBroker))]
public sealed class RabbitMQConnectionTests(SharedBroker shared) : IAsyncLifetime, IDisposable
{
    private readonly string _exchange = $"test-{Guid.NewGuid():N}";
    private readonly List<IAsyncDisposable> _open = [];
    private readonly CollectedLog _log = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (IAsyncDisposable one in Enumerable.Reverse(_open))
        {
            await one.DisposeAsync();
        }
    }

    public void Dispose() => _log.Dispose();

    [RabbitMQFact]
    public async Task A_connection_that_is_cut_costs_no_message_and_no_order()
    {
        const int Count = 6_000, Cuts = 6;
        ChaosProxy proxy = Proxy();
        RecordingNode a = await StartAsync("a", proxy), b = await StartAsync("b", proxy, "red");
        var publisher = new SteadyPublisher(a, "red");

        Task publishing = publisher.PublishAsync(0, Count);
        for (int i = 1; i <= Cuts; i++)
        {
            await Within.UntilAsync(() => b.Count > i * (Count / (Cuts + 2)), "some have arrived");
            CutAll(proxy);
            await a.UntilConnectedAsync(i + 1);
            await b.UntilConnectedAsync(i + 1);
        }

        await publishing;
        await Within.UntilAsync(() => b.Texts is [.., "5999"], "the last has arrived");

        SteadyPublisher.WithoutRepeats(b).Should().Equal(Enumerable.Range(0, Count));
        b.States.Where(s => s is "new" or "resumed").Should().Equal(["new", .. Enumerable.Repeat("resumed", Cuts)]);
        b.WasCrowded.Should().BeFalse();
    }

    [RabbitMQFact]
    public async Task What_is_published_while_a_node_is_away_waits_for_it()
    {
        ChaosProxy proxy = Proxy();
        RecordingNode a = await StartAsync("a"), b = await StartAsync("b", proxy, "red");
        await a.PublishAsync("one", "red");
        await b.UntilCountAsync(1);

        await CloseAsync(proxy);
        await b.UntilDisconnectedAsync();
        await b.SubscribeAsync("blue");
        await b.SubscribeAsync("red", isWanted: false);
        await a.PublishAsync("two", "red");
        await b.SubscribeAsync("red");
        await a.PublishAsync("three", "red");
        Proxy(proxy.Http.Port);
        await b.UntilConnectedAsync(2);
        await a.PublishAsync("four", "blue");
        await b.UntilCountAsync(4);

        b.Texts.Should().Equal("one", "two", "three", "four");
        b.States.Should().StartWith("new").And.EndWith("resumed");
    }

    [RabbitMQFact]
    public async Task A_subscription_that_ended_while_a_node_was_away_has_ended()
    {
        ChaosProxy proxy = Proxy();
        RecordingNode a = await StartAsync("a"), b = await StartAsync("b", proxy, "red", "blue");

        await CloseAsync(proxy);
        await b.UntilDisconnectedAsync();
        await b.SubscribeAsync("red", isWanted: false);
        Proxy(proxy.Http.Port);
        await b.UntilConnectedAsync(2);
        await a.PublishAsync("one", "red");
        await a.PublishAsync("two", "blue");
        await b.UntilCountAsync(1);

        b.Texts.Should().Equal("two");
    }

    [RabbitMQFact]
    public async Task Publishing_fails_without_a_connection_and_subscribing_does_not()
    {
        ChaosProxy proxy = Proxy();
        RecordingNode a = await StartAsync("a", proxy);
        await CloseAsync(proxy);
        await a.UntilDisconnectedAsync();

        await a.Invoking(n => n.PublishAsync("one", "red")).Should().ThrowAsync<IOException>();
        await a.SubscribeAsync("red");
    }

    [RabbitMQFact]
    public async Task A_peer_that_falls_silent_is_noticed_and_what_it_was_given_comes_again()
    {
        const int Count = 200;
        ChaosProxy proxy = Proxy();
        RecordingNode a = await StartAsync("a"), b = await StartAsync("b", proxy, "red");
        var publisher = new SteadyPublisher(a, "red");
        await publisher.PublishAsync(0, Count);
        await b.UntilCountAsync(Count);

        // Both sides believe in the connection: the broker goes on sending, into nowhere.
        foreach (ChaosLink link in proxy.Links)
        {
            link.Cut(ChaosFault.BlackHole);
        }

        await publisher.PublishAsync(Count, 2 * Count);
        await b.UntilConnectedAsync(2);
        await publisher.PublishAsync(2 * Count, 3 * Count);
        await Within.UntilAsync(() => b.Texts is [.., "599"], "the last has arrived");

        SteadyPublisher.WithoutRepeats(b).Should().Equal(Enumerable.Range(0, 3 * Count));
        b.States[^1].Should().Be("resumed");
    }

    [RabbitMQFact]
    public async Task A_queue_that_somebody_has_deleted_is_made_again_and_nothing_is_said_to_be_resumed()
    {
        RecordingNode a = await StartAsync("a"), b = await StartAsync("b", proxy: null, "red");

        await OperateAsync(channel => channel.QueueDeleteAsync($"{_exchange}.b"));
        await b.UntilConnectedAsync(2);
        await a.PublishAsync("one", "red");
        await b.UntilCountAsync(1);

        b.States.Should().StartWith("new").And.EndWith("new");
        b.States.Should().Contain("The queue was deleted.");
    }

    [RabbitMQFact]
    public async Task More_than_may_wait_for_a_node_is_dropped_and_it_is_told()
    {
        ChaosProxy proxy = Proxy();
        RecordingNode a = await StartAsync("a"), b = await StartAsync("b", proxy, o => o.MaxQueueBytes = 10_000, "red");
        await CloseAsync(proxy);
        await b.UntilDisconnectedAsync();
        string kilobyte = new('x', 1_000);

        for (int i = 0; i < 20; i++)
        {
            await a.PublishAsync($"{i}{kilobyte}", "red");
        }

        Proxy(proxy.Http.Port);
        await b.UntilConnectedAsync(2);
        await a.PublishAsync("then", "red");
        await Within.UntilAsync(() => b.Texts is [.., "then"], "the last has arrived");

        b.States.Should().EndWith("new");
        b.Texts.Select(t => t.Replace(kilobyte, "", StringComparison.Ordinal)).Should().Equal("11", "12", "13", "14", "15", "16", "17", "18", "19", "then");
    }

    [RabbitMQFact]
    public async Task What_fits_the_bound_waits()
    {
        ChaosProxy proxy = Proxy();
        RecordingNode a = await StartAsync("a"), b = await StartAsync("b", proxy, o => o.MaxQueueBytes = 10_016, "red");
        await CloseAsync(proxy);
        await b.UntilDisconnectedAsync();

        // With the marker, 16 bytes, exactly as much as may wait.
        for (int i = 0; i < 10; i++)
        {
            await a.PublishAsync($"{i}{new string('x', 999)}", "red");
        }

        Proxy(proxy.Http.Port);
        await b.UntilConnectedAsync(2);
        await b.UntilCountAsync(10);

        b.States.Should().EndWith("resumed");
    }

    [RabbitMQFact]
    public async Task The_queue_is_gone_with_its_node()
    {
        RecordingNode b = await StartAsync("b", proxy: null, "red");
        (await IsThereAsync("b")).Should().BeTrue();

        await b.DisposeAsync();

        (await IsThereAsync("b")).Should().BeFalse();
    }

    [RabbitMQFact]
    public async Task The_queue_of_a_node_that_does_not_come_back_expires()
    {
        ChaosProxy proxy = Proxy();
        RecordingNode b = await StartAsync("b", proxy, o => o.QueueExpires = TimeSpan.FromSeconds(1), "red");
        await CloseAsync(proxy);
        await b.UntilDisconnectedAsync();

        using var patience = new CancellationTokenSource(Within.Reason);
        while (await IsThereAsync("b"))
        {
            patience.IsCancellationRequested.Should().BeFalse("a queue that nobody uses expires after a second");
            await Task.Delay(100);
        }

        Proxy(proxy.Http.Port);
        await b.UntilConnectedAsync(2);
        b.States.Should().EndWith("new");
    }

    [RabbitMQFact]
    public async Task A_wrong_password_is_told_and_not_logged()
    {
        const string Secret = "not-the-p4ssword";
        RecordingNode a = Add("a", shared.Broker.Uri.Replace("amqp://", $"amqp://guest:{Secret}@", StringComparison.Ordinal), _ => { });
        a.Start();
        await Within.UntilAsync(() => a.States.Length >= 2, "it was refused twice");

        a.States.Should().OnlyContain(s => s == "The broker refuses the user or the password.");
        _log.Entries.Should().Contain(e => e.Message.Contains("guest@127.0.0.1", StringComparison.Ordinal));
        _log.Entries.Should().NotContain(e => $"{e.Message}{e.Exception}".Contains(Secret, StringComparison.Ordinal));
        a.States.Should().NotContain(s => s.Contains(Secret, StringComparison.Ordinal));
    }

    [RabbitMQFact]
    public async Task An_exchange_of_another_type_is_told_until_it_is_out_of_the_way()
    {
        await OperateAsync(channel => channel.ExchangeDeclareAsync(_exchange, ExchangeType.Fanout, durable: true));
        RecordingNode a = Add("a", shared.Broker.Uri, _ => { });
        a.Start();
        await Within.UntilAsync(() => a.States.Length >= 2, "it was refused twice");
        a.States.Should().OnlyContain(s => s.Contains("inequivalent arg 'type' for exchange", StringComparison.Ordinal));

        await OperateAsync(channel => channel.ExchangeDeleteAsync(_exchange));
        await a.UntilConnectedAsync();
    }

    [RabbitMQFact]
    public async Task A_strangers_message_is_handed_on()
    {
        RecordingNode a = await StartAsync("a", proxy: null, "red");

        await OperateAsync(async channel =>
        {
            var properties = new BasicProperties { ContentType = "text/plain", Headers = new Dictionary<string, object?> { ["x"] = 1 } };
            await channel.BasicPublishAsync(_exchange, "red", mandatory: true, properties, "hello"u8.ToArray());
            await channel.BasicPublishAsync("", $"{_exchange}.a", mandatory: true, "you there"u8.ToArray());
        });
        await a.UntilCountAsync(2);

        a.Texts.Should().Equal("hello", "you there");
    }

    [RabbitMQFact]
    public async Task A_message_that_is_too_large_stays_here_and_the_others_go_on()
    {
        RecordingNode a = await StartAsync("a", proxy: null, o => o.MaxMessageBytes = 1_000), b = await StartAsync("b", proxy: null, "red");

        await a.PublishAsync(new string('x', 1_001), "red");
        await a.PublishAsync(new string('x', 1_000), "red");
        await b.UntilCountAsync(1);

        b.Texts.Should().ContainSingle().Which.Should().HaveLength(1_000);
        _log.Entries.Should().ContainSingle(e => e.Message.Contains("1001 bytes was not published", StringComparison.Ordinal));
    }

    private static void CutAll(ChaosProxy proxy)
    {
        foreach (ChaosLink link in proxy.Links)
        {
            link.Cut(ChaosFault.Reset);
        }
    }

    private ChaosProxy Proxy(int port = 0)
    {
        var proxy = new ChaosProxy(shared.Broker.Endpoint, seed: 1, _ => ChaosScript.Clean, port);
        _open.Insert(0, proxy);
        return proxy;
    }

    private async Task CloseAsync(ChaosProxy proxy)
    {
        _open.Remove(proxy);
        await proxy.DisposeAsync();
    }

    private Task<RecordingNode> StartAsync(string id, ChaosProxy? proxy = null, params string[] channels) => StartAsync(id, proxy, _ => { }, channels);

    private async Task<RecordingNode> StartAsync(string id, ChaosProxy? proxy, Action<RabbitMQOptions> configure, params string[] channels)
    {
        RecordingNode node = Add(id, proxy is null ? shared.Broker.Uri : $"amqp://127.0.0.1:{proxy.Http.Port}", configure);
        node.Start();
        await node.UntilConnectedAsync();
        foreach (string channel in channels)
        {
            await node.SubscribeAsync(channel);
        }

        return node;
    }

    private RecordingNode Add(string id, string uri, Action<RabbitMQOptions> configure)
    {
        var node = new RecordingNode(
            RabbitMQNodes.Create(
                uri,
                options =>
                {
                    options.Exchange = _exchange;
                    options.Heartbeat = TimeSpan.FromSeconds(2);
                    options.MaxReconnectDelay = TimeSpan.FromMilliseconds(500);
                    configure(options);
                },
                _log),
            id);
        _open.Add(node);
        return node;
    }

    private async Task OperateAsync(Func<IChannel, Task> operate)
    {
        await using IConnection connection = await ConnectAsync();
        await using IChannel channel = await connection.CreateChannelAsync();
        await operate(channel);
    }

    // Whether a message finds it. Asking for the queue itself would count as using it, and put off its end.
    private async Task<bool> IsThereAsync(string node)
    {
        await using IConnection connection = await ConnectAsync();
        await using IChannel channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
        try
        {
            await channel.BasicPublishAsync("", $"{_exchange}.{node}", mandatory: true, "anybody?"u8.ToArray());
            return true;
        }
        catch (PublishException exception) when (exception.IsReturn)
        {
            return false;
        }
    }

    private Task<IConnection> ConnectAsync() => new ConnectionFactory { HostName = "127.0.0.1", Port = shared.Broker.Port }.CreateConnectionAsync();
}

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using FluentAssertions;
using WsServer.Backplane;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Backplane;

/// <summary>What every backplane promises, as <see cref="IBackplane"/> says it.</summary>
public abstract class BackplaneContract : IAsyncLifetime
{
    private readonly List<RecordingNode> _nodes = [];

    public virtual Task InitializeAsync() => Task.CompletedTask;

    public virtual async Task DisposeAsync()
    {
        foreach (RecordingNode node in _nodes)
        {
            await node.DisposeAsync();
        }
    }

    [ContractFact]
    public async Task A_message_reaches_who_is_subscribed_and_nobody_else()
    {
        RecordingNode a = await StartAsync(), b = await StartAsync("red"), c = await StartAsync("blue"), d = await StartAsync("red", "blue");

        await a.PublishAsync("to red", "red");
        await a.PublishAsync("to blue", "blue");
        await a.PublishAsync("to nobody", "green");
        await FenceAsync(a, b, c, d);

        Heard(b).Should().Equal("to red");
        Heard(c).Should().Equal("to blue");
        Heard(d).Should().Equal("to red", "to blue");
        Heard(a).Should().BeEmpty();
    }

    [ContractFact]
    public async Task A_message_for_several_channels_reaches_a_node_once()
    {
        RecordingNode a = await StartAsync(), b = await StartAsync("red", "blue", "green"), c = await StartAsync("green"), d = await StartAsync("yellow");

        await a.PublishAsync("to all of them", "red", "blue", "green");
        await FenceAsync(a, b, c, d);

        Heard(b).Should().Equal("to all of them");
        Heard(c).Should().Equal("to all of them");
        Heard(d).Should().BeEmpty();
    }

    [ContractFact]
    public async Task A_node_gets_a_message_for_very_many_channels()
    {
        string[] channels = [.. Enumerable.Range(0, 5_000).Select(i => $"{i:D64}")];
        RecordingNode a = await StartAsync(), b = await StartAsync(channels[0]), c = await StartAsync(channels[^1]), d = await StartAsync("other");

        await a.PublishAsync("to very many", channels);
        await FenceAsync(a, b, c, d);

        Heard(b).Should().Equal("to very many");
        Heard(c).Should().Equal("to very many");
        Heard(d).Should().BeEmpty();
    }

    [ContractFact]
    public async Task What_one_node_publishes_arrives_in_order_over_all_channels()
    {
        const int Count = 10_000;
        RecordingNode a = await StartAsync(), b = await StartAsync(), c = await StartAsync("red", "blue");

        await Task.WhenAll(PublishManyAsync(a, Count), PublishManyAsync(b, Count));
        await c.UntilCountAsync(2 * Count);

        foreach (RecordingNode publisher in new[] { a, b })
        {
            c.Texts.Where(t => t.StartsWith(publisher.Id, StringComparison.Ordinal)).Should().Equal(Enumerable.Range(0, Count).Select(i => $"{publisher.Id} {i}"));
        }

        c.WasCrowded.Should().BeFalse();
    }

    [ContractFact]
    public async Task Messages_arrive_as_they_are_whatever_their_bytes()
    {
        RecordingNode a = await StartAsync(), b = await StartAsync("red");
        byte[][] messages = [[], [0], [.. Enumerable.Range(0, 256).Select(i => (byte)i)], RandomNumberGenerator.GetBytes(1024 * 1024), "end"u8.ToArray()];

        foreach (byte[] message in messages)
        {
            await Within.TimeAsync(a.Backplane.PublishAsync(message, ["red"]).AsTask(), "a message");
        }

        await b.UntilCountAsync(messages.Length);
        b.Messages.Select(Convert.ToHexString).Should().Equal(messages.Select(Convert.ToHexString));
    }

    [ContractFact]
    public async Task A_message_may_be_changed_when_its_task_has_ended()
    {
        RecordingNode a = await StartAsync(), b = await StartAsync("red");
        byte[] buffer = new byte[4];

        for (int i = 0; i < 100; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(buffer, i);
            await Within.TimeAsync(a.Backplane.PublishAsync(buffer, ["red"]).AsTask(), "a message");
            buffer.AsSpan().Fill(0xff);
        }

        await b.UntilCountAsync(100);
        b.Messages.Select(m => BinaryPrimitives.ReadInt32BigEndian(m)).Should().Equal(Enumerable.Range(0, 100));
    }

    [ContractFact]
    public async Task A_subscription_counts_from_the_end_of_its_task()
    {
        RecordingNode a = await StartAsync(), b = await StartAsync();

        for (int i = 0; i < 100; i++)
        {
            await b.SubscribeAsync($"room{i}");
            await a.PublishAsync($"{i}", $"room{i}");
        }

        await b.UntilCountAsync(100);
        b.Texts.Should().Equal(Enumerable.Range(0, 100).Select(i => $"{i}"));
    }

    [ContractFact]
    public async Task Subscriptions_may_come_from_all_sides_at_once()
    {
        RecordingNode a = await StartAsync(), b = await StartAsync();

        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => Task.Run(async () =>
        {
            await b.SubscribeAsync($"room{i % 250}", isWanted: true);
            await a.Backplane.SubscribeAsync($"room{i}", isWanted: i % 2 == 0);
        })));
        await a.PublishAsync("to the last", "room249");
        await FenceAsync(a, b);

        Heard(b).Should().Equal("to the last");
        Heard(a).Should().BeEmpty();
    }

    [ContractFact]
    public async Task Nothing_arrives_once_a_subscription_has_ended_and_all_again_when_it_is_renewed()
    {
        RecordingNode a = await StartAsync(), b = await StartAsync("red");

        await a.PublishAsync("one", "red");
        await FenceAsync(a, b);
        await b.SubscribeAsync("red", isWanted: false);
        await a.PublishAsync("two", "red");
        await FenceAsync(a, b);
        await b.SubscribeAsync("red");
        await a.PublishAsync("three", "red");
        await FenceAsync(a, b);

        Heard(b).Should().Equal("one", "three");
    }

    [ContractFact]
    public async Task The_last_word_on_a_channel_counts()
    {
        RecordingNode a = await StartAsync(), b = await StartAsync();

        ValueTask[] words = [.. Enumerable.Range(0, 101).Select(i => b.Backplane.SubscribeAsync("on", i % 2 == 0)), .. Enumerable.Range(0, 100).Select(i => b.Backplane.SubscribeAsync("off", i % 2 == 0))];
        await Within.TimeAsync(Task.WhenAll(words.Select(w => w.AsTask())), "the subscriptions");
        await a.PublishAsync("on", "on");
        await a.PublishAsync("off", "off");
        await FenceAsync(a, b);

        Heard(b).Should().Equal("on");
    }

    [ContractFact]
    public async Task The_first_connection_resumes_nothing()
    {
        RecordingNode a = await StartAsync();

        a.States.Should().Equal("new");
    }

    [ContractFact]
    public async Task What_was_published_before_the_end_arrives_and_then_there_is_an_end()
    {
        RecordingNode a = await StartAsync(), b = await StartAsync("red");

        Task[] publishing = [.. Enumerable.Range(0, 1_000).Select(i => a.Backplane.PublishAsync(Encoding.UTF8.GetBytes($"{i}"), ["red"]).AsTask())];
        await Within.TimeAsync(a.DisposeAsync().AsTask(), "the end of a");
        await Within.TimeAsync(Task.WhenAll(publishing), "what was published before");
        await b.UntilCountAsync(1_000);
        await Within.TimeAsync(b.DisposeAsync().AsTask(), "the end of b");

        b.Texts.Should().Equal(Enumerable.Range(0, 1_000).Select(i => $"{i}"));
        b.States.Should().Equal("new");
    }

    /// <summary>A backplane of the server that the test is about.</summary>
    private protected abstract IBackplane Create();

    /// <summary>Starts a node, and waits until it is connected.</summary>
    private protected async Task<RecordingNode> StartAsync(params string[] channels)
    {
        RecordingNode node = Add(Create());
        node.Start();
        await node.UntilConnectedAsync();
        foreach (string channel in channels.Append($"fence.{node.Id}"))
        {
            await node.SubscribeAsync(channel);
        }

        return node;
    }

    /// <summary>A node that is not started yet, and disposed of after the test.</summary>
    private protected RecordingNode Add(IBackplane backplane)
    {
        var node = new RecordingNode(backplane, $"node{_nodes.Count:D4}");
        _nodes.Add(node);
        return node;
    }

    /// <summary>What a node has heard but fences.</summary>
    private protected static string[] Heard(RecordingNode node) => [.. node.Texts.Where(t => !t.StartsWith("fence ", StringComparison.Ordinal))];

    /// <summary>Waits until nodes have handled all that one has published: messages stay in order.</summary>
    private protected static async Task FenceAsync(RecordingNode publisher, params RecordingNode[] nodes)
    {
        string fence = $"fence {Guid.NewGuid()}";
        foreach (RecordingNode node in nodes)
        {
            await publisher.PublishAsync(fence, $"fence.{node.Id}");
            await Within.UntilAsync(() => node.Texts.Contains(fence), $"{node.Id} is through");
        }
    }

    /// <summary>Publishes "id 0", "id 1" and so on, now here and now there, without waiting in between.</summary>
    private protected static async Task PublishManyAsync(RecordingNode node, int count)
    {
        var waiting = new Queue<Task>();
        for (int i = 0; i < count; i++)
        {
            waiting.Enqueue(node.Backplane.PublishAsync(Encoding.UTF8.GetBytes($"{node.Id} {i}"), i % 3 == 0 ? ["red"] : i % 3 == 1 ? ["blue"] : ["blue", "red"]).AsTask());
            if (waiting.Count >= 1_000)
            {
                await Within.TimeAsync(waiting.Dequeue(), "a message");
            }
        }

        await Within.TimeAsync(Task.WhenAll(waiting), "the last messages");
    }
}

using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using WsServer.Tests.Wire;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Connections;

public class SlowConsumerPolicyTests
{
    private static readonly int Cost = LaggingOutbox.Cost;

    [Fact]
    public async Task Drop_newest_keeps_what_waits_and_tells_how_many_were_missed_where_they_were()
    {
        using var lagging = new LaggingOutbox(maxBytes: 20 * Cost, maxDroppable: 3 * Cost);
        Lag(lagging);
        Post(lagging, SlowConsumerPolicy.DropNewest, 11, 12, 13).Should().AllBeEquivalentTo(true);
        Post(lagging, SlowConsumerPolicy.DropNewest, 14, 15).Should().AllBeEquivalentTo(false, "three fit");
        Post(lagging, null, 16).Should().Equal(true);

        (await lagging.ReadAllAsync()).Should().Equal("10", "11", "12", "13", Lagged(2, ("e", 2)), "16");
        lagging.Counted("wsserver.events.dropped drop_newest").Should().Be(2);
    }

    [Fact]
    public async Task Drop_oldest_makes_room_for_the_newest_and_tells_before_the_first_that_is_left()
    {
        using var lagging = new LaggingOutbox(maxBytes: 20 * Cost, maxDroppable: 3 * Cost);
        Lag(lagging);
        Post(lagging, null, 11).Should().Equal(true);
        Post(lagging, SlowConsumerPolicy.DropOldest, 12, 13, 14, 15, 16).Should().AllBeEquivalentTo(true);

        (await lagging.ReadAllAsync()).Should().Equal("10", "11", Lagged(2, ("e", 2)), "14", "15", "16");
        lagging.Counted("wsserver.events.dropped drop_oldest").Should().Be(2);
    }

    [Fact]
    public async Task A_conflated_event_replaces_the_one_of_its_key_behind_what_was_emitted_since_and_is_not_missed()
    {
        using var lagging = new LaggingOutbox(maxBytes: 20 * Cost);
        SlowConsumerPolicy ada = SlowConsumerPolicy.Conflate("Ada");
        SlowConsumerPolicy bob = SlowConsumerPolicy.Conflate("Bob");
        Lag(lagging);
        Post(lagging, ada, 11);
        Post(lagging, bob, 12);
        Post(lagging, null, 13);
        Post(lagging, ada, 14, 15);
        lagging.Post(16, ada, ns: "/news").Should().BeTrue("it is another namespace's");
        lagging.Post(17, ada, name: "f").Should().BeTrue("it is another event");

        (await lagging.ReadAllAsync()).Should().Equal(
            "10", "12", "13", "15", "16,\"ns\":\"/news\"", """{"event":"f","data":17}""");
        lagging.Counted("wsserver.events.conflated").Should().Be(2);
        lagging.Counted("wsserver.events.dropped conflate").Should().Be(0);
    }

    [Fact]
    public async Task A_key_may_depend_on_the_arguments()
    {
        using var lagging = new LaggingOutbox(maxBytes: 20 * Cost);
        SlowConsumerPolicy byParity = SlowConsumerPolicy.Conflate(data => int.Parse(data.Text(), System.Globalization.CultureInfo.InvariantCulture) % 2 == 0 ? "even" : "odd");
        Lag(lagging);
        Post(lagging, byParity, 11, 12, 13, 14, 15);

        (await lagging.ReadAllAsync()).Should().Equal("10", "14", "15");
    }

    [Fact]
    public async Task A_conflated_event_that_has_to_go_is_missed()
    {
        using var lagging = new LaggingOutbox(maxBytes: 20 * Cost, maxDroppable: 2 * Cost);
        Lag(lagging);
        for (int i = 11; i <= 14; i++)
        {
            Post(lagging, SlowConsumerPolicy.Conflate($"key {i}"), i);
        }

        (await lagging.ReadAllAsync()).Should().Equal("10", Lagged(2, ("e", 2)), "13", "14");
        lagging.Counted("wsserver.events.dropped conflate").Should().Be(2);
    }

    [Fact]
    public async Task Nothing_is_conflated_or_dropped_for_a_client_that_keeps_up()
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var transport = new TransportPair();
        var settings = new OutboxSettings(
            100, 100, TimeProvider.System, new(services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>()), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var outbox = new Outbox(transport, Codec.Json, "/", settings, CancellationToken.None);
        SlowConsumerPolicy[] policies = [SlowConsumerPolicy.Conflate("a"), SlowConsumerPolicy.DropNewest, SlowConsumerPolicy.DropOldest];

        // Together, as the events of one handler leave.
        Gathering gathering = Gathering.Open();
        for (int i = 0; i < 60; i++)
        {
            using OutgoingPacket packet = OutgoingPacket.Rent(LaggingOutbox.Event(i), policies[i % 3].TermsFor("/", "e", default));
            outbox.Post(packet).Should().BeTrue();
        }

        gathering.Close();
        List<string> seen = [];
        while (seen.Count < 60)
        {
            seen.Add(Codec.Decode(await transport.ReceiveTextAsync()).Arguments.Text());
        }

        seen.Should().Equal(Enumerable.Range(0, 60).Select(i => $"{i}"));
    }

    [Fact]
    public async Task What_may_be_dropped_goes_before_the_connection_does_and_what_may_not_never_goes()
    {
        using var lagging = new LaggingOutbox(maxBytes: (5 * Cost) + 16, maxDroppable: 3 * Cost);
        Lag(lagging);
        Post(lagging, SlowConsumerPolicy.DropOldest, 11, 12, 13);
        Post(lagging, null, 14, 15, 16, 17).Should().AllBeEquivalentTo(true);
        (await lagging.ReadAllAsync()).Should().Equal("10", Lagged(2, ("e", 2)), "13", "14", "15", "16", "17");

        Lag(lagging);
        Post(lagging, null, 11, 12, 13, 14, 15);
        lagging.Outbox.WaitingBytes.Should().Be(5 * Cost, "it is as full as it may be");
        Post(lagging, SlowConsumerPolicy.DropOldest, 16).Should().Equal([false], "none of the others is dropped for it");
        lagging.Outbox.IsCompleted.Should().BeFalse();
        Post(lagging, null, 17).Should().Equal(false);
        (await lagging.Outbox.Completed).Should().Be(Closing.SlowConsumer);
        lagging.Counted("wsserver.slow_consumers").Should().Be(1);
    }

    [Fact]
    public async Task Droppable_events_have_a_bound_of_their_own()
    {
        using var lagging = new LaggingOutbox(maxBytes: 10 * Cost);
        Lag(lagging);
        Post(lagging, SlowConsumerPolicy.DropNewest, 11, 12, 13, 14, 15).Should().AllBeEquivalentTo(true, "half of all is theirs");
        Post(lagging, SlowConsumerPolicy.DropNewest, 16).Should().Equal(false);
        Post(lagging, null, 17, 18, 19, 20, 21).Should().AllBeEquivalentTo(true, "the other half is not");
        lagging.Outbox.WaitingBytes.Should().Be(10 * Cost);
        Post(lagging, null, 22).Should().Equal([false], "what was taken of drop newest stays");
        (await lagging.Outbox.Completed).Should().Be(Closing.SlowConsumer);
    }

    [Fact]
    public async Task One_that_is_larger_than_the_bound_is_missed_behind_another_and_sent_alone()
    {
        using var lagging = new LaggingOutbox(maxBytes: 1_000, maxDroppable: 100);
        Packet large = new(PacketKind.Event) { Namespace = "/", Event = "e", Arguments = Codec.Serializer.Write(new string('x', 100)) };
        Lag(lagging);
        Post(lagging, SlowConsumerPolicy.DropOldest, 11);
        lagging.Post(large, SlowConsumerPolicy.DropOldest).Should().BeFalse();
        lagging.Post(large, SlowConsumerPolicy.Conflate("a")).Should().BeFalse();
        (await lagging.ReadAllAsync()).Should().Equal(["10", "11", Lagged(2, ("e", 2))], "the smaller one has not gone for nothing");

        lagging.Post(large, SlowConsumerPolicy.DropOldest).Should().BeTrue();
        (await lagging.ReadAllAsync()).Should().ContainSingle().Which.Should().HaveLength(102);
    }

    [Fact]
    public async Task The_client_is_told_even_when_nothing_comes_after_the_gap_and_again_for_the_next()
    {
        using var lagging = new LaggingOutbox(maxBytes: 4 * Cost, maxDroppable: 0);
        Lag(lagging);
        Post(lagging, SlowConsumerPolicy.DropNewest, 11, 12, 13);
        (await lagging.ReadAsync()).Should().Equal("""{"event":"e","data":10}""");
        (await lagging.Transport.NextAsync()).Should().Equal(Lagged(3, ("e", 3)));
        Post(lagging, SlowConsumerPolicy.DropNewest, 14);
        Post(lagging, SlowConsumerPolicy.DropNewest, 15).Should().Equal(false);
        lagging.Transport.EndSend();

        (await lagging.ReadAllAsync()).Should().Equal("14", Lagged(1, ("e", 1)));
    }

    [Fact]
    public async Task Each_namespace_is_told_for_itself_with_at_most_eight_names()
    {
        using var lagging = new LaggingOutbox(maxBytes: 4 * Cost, maxDroppable: 0);
        Lag(lagging);
        lagging.Post(1, SlowConsumerPolicy.DropNewest, ns: "/news").Should().BeFalse();
        for (int i = 0; i < 20; i++)
        {
            lagging.Post(i, SlowConsumerPolicy.DropNewest, name: $"n{i % 10}").Should().BeFalse();
        }

        (await lagging.ReadAllAsync()).Should().Equal(
            "10",
            """{"event":"$lagged","data":{"count":1,"events":{"e":1}},"ns":"/news"}""",
            Lagged(20, [.. Enumerable.Range(0, 8).Select(i => ($"n{i}", 2))]));
    }

    [Fact]
    public async Task What_was_missed_is_still_told_before_a_goodbye_that_lets_the_rest_leave()
    {
        using var lagging = new LaggingOutbox(maxBytes: 4 * Cost, maxDroppable: 0);
        Lag(lagging);
        Post(lagging, SlowConsumerPolicy.DropOldest, 11);
        Post(lagging, null, 12);
        lagging.Outbox.Complete(Closing.Left);
        (await lagging.ReadAsync()).Should().HaveCount(1);
        (await lagging.ReadAsync()).Should().Equal(Lagged(1, ("e", 1)));
        (await lagging.ReadAsync()).Should().Equal("""{"event":"e","data":12}""");
        (await lagging.Transport.Goodbye).Status.Should().Be(1000);
    }

    [Fact]
    public async Task One_that_is_put_out_is_told_of_nothing_else()
    {
        using var lagging = new LaggingOutbox(maxBytes: 2 * Cost, maxDroppable: 0);
        Lag(lagging);
        Post(lagging, SlowConsumerPolicy.DropOldest, 11).Should().Equal(false);
        Post(lagging, null, 12, 13, 14).Should().Equal(true, true, false);
        (await lagging.ReadAsync()).Should().HaveCount(1);
        (await lagging.ReadAsync()).Should().ContainSingle().Which.Should().Contain("slow_consumer");
        (await lagging.Transport.Goodbye).Status.Should().Be(1008);
    }

    [Fact]
    public async Task Attachments_go_with_the_event_that_they_belong_to()
    {
        using var lagging = new LaggingOutbox(maxBytes: 1_000, maxDroppable: 400, codec: SocketIO.Sio.Codec);
        Lag(lagging);
        for (int i = 0; i < 10; i++)
        {
            lagging.Post(
                new Packet(PacketKind.Event) { Namespace = "/", Event = "b", Arguments = Codec.Serializer.Write(Enumerable.Repeat((byte)('0' + i), 100).ToArray()) },
                SlowConsumerPolicy.DropOldest).Should().BeTrue();
        }

        (await lagging.ReadAsync()).Should().Equal("""42["e",10]""");
        (await lagging.ReadAsync()).Should().Equal("""42["$lagged",{"count":8,"events":{"b":8}}]""");
        string[] left = await lagging.ReadAsync();
        left.Should().HaveCount(4);
        left.Where((_, i) => i % 2 == 0).Should().AllBeEquivalentTo("""451-["b",{"_placeholder":true,"num":0}]""");
        left.Where((_, i) => i % 2 == 1).Should().Equal(new string('8', 100), new string('9', 100));
        lagging.Outbox.WaitingBytes.Should().Be(0);
    }

    [Fact]
    public void Policies_say_what_they_are()
    {
        SlowConsumerPolicy.Disconnect.ToString().Should().Be("Disconnect");
        SlowConsumerPolicy.DropNewest.ToString().Should().Be("DropNewest");
        SlowConsumerPolicy.DropOldest.ToString().Should().Be("DropOldest");
        SlowConsumerPolicy.Conflate("a").ToString().Should().Be("Conflate(a)");
        SlowConsumerPolicy.Conflate(_ => "a").ToString().Should().Be("Conflate(…)");
    }

    /// <summary>One event is being written, and the client does not read it.</summary>
    private static void Lag(LaggingOutbox lagging) => lagging.Post(10).Should().BeTrue();

    private static bool[] Post(LaggingOutbox lagging, SlowConsumerPolicy? policy, params int[] numbers) => [.. numbers.Select(n => lagging.Post(n, policy))];

    private static string Lagged(long count, params (string Name, int Count)[] events) =>
        """{"event":"$lagged","data":{"count":""" + count + ",\"events\":{" + string.Join(',', events.Select(e => $"\"{e.Name}\":{e.Count}")) + "}}}";
}

using System.Text;
using FluentAssertions;
using WsServer.Recovery;
using WsServer.Tests.Support;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Recovery;

public class ReplayLogTests
{
    private static readonly Audience Everybody = new("/", [], [], IsVolatile: false);

    private readonly ManualTime _time = new();

    [Fact]
    public void Numbers_rise_by_one_and_never_begin_with_what_names_nothing()
    {
        ReplayLog log = Create();
        log.Position.Should().BePositive();
        long first = Add(log, "a");
        first.Should().Be(2);
        Add(log, "b").Should().Be(3);
        log.Position.Should().Be(3);
        Read(log, 1, "me").Should().Equal("a", "b");
        Read(log, 2, "me").Should().Equal("b");
        Read(log, 3, "me").Should().BeEmpty();
        log.Read(1, "me", new Dictionary<string, long> { ["me"] = 0 }).Select(p => p.Seq).Should().Equal(2, 3);
    }

    [Fact]
    public void Numbers_may_jump_and_nothing_is_missing_in_between()
    {
        ReplayLog log = Create();
        Add(log, "a");
        log.SkipTo(100);
        log.Position.Should().Be(100);
        log.SkipTo(50);
        Add(log, "b").Should().Be(101);
        log.Floor.Should().Be(1);
        log.Reaches(1).Should().BeTrue();
        log.Reaches(0).Should().BeFalse();
        log.Reaches(50).Should().BeTrue("there was nothing between 2 and 100");
        log.Reaches(102).Should().BeFalse();
        Read(log, 1, "me").Should().Equal("a", "b");
        Read(log, 2, "me").Should().Equal("b");
        Read(log, 60, "me").Should().Equal("b");
        Read(log, 101, "me").Should().BeEmpty();
    }

    [Fact]
    public void A_log_that_is_taken_up_keeps_its_numbers_and_its_gaps()
    {
        ReplayLog log = Create();
        Add(log, "a");
        log.SkipTo(100);
        Add(log, "b");
        log.SkipTo(200);

        ReplayLog next = Create();
        next.Restore("/", log.Position, [.. log.Save()], TimeSpan.Zero, log.Floor);

        (next.Position, next.Floor, next.Count).Should().Be((200L, 1L, 2));
        next.Read(1, "me", new Dictionary<string, long>()).Select(p => p.Seq).Should().Equal(2, 101);
        Add(next, "c").Should().Be(201);
        FluentActions.Invoking(() => Create().Restore("/", 100, [.. log.Save()], TimeSpan.Zero, log.Floor)).Should().Throw<InvalidDataException>("101 is behind 100");
        FluentActions.Invoking(() => Create().Restore("/", 200, [.. log.Save().Reverse()], TimeSpan.Zero, log.Floor)).Should().Throw<InvalidDataException>();
    }

    [Fact]
    public void What_the_node_before_has_dealt_with_is_not_read()
    {
        var log = new ReplayLog(new ReplayLimits(3, 1_000, TimeSpan.FromMinutes(1)), _time, notesOrigins: true);
        var packet = new Packet(PacketKind.Event) { Namespace = "/", Event = "e" };
        log.Add(Everybody, packet with { Event = "dropped" }, new Origin("A", 4));
        log.Add(Everybody, packet with { Event = "dealt with" }, new Origin("A", 5));
        log.Add(Everybody, packet with { Event = "not yet" }, new Origin("A", 6));
        log.Add(Everybody, packet with { Event = "of another" }, new Origin("B", 1));
        log.Read(new Stretch(log, 0, long.MaxValue, Heard("A", 5), 5), 2, "me", new Dictionary<string, long>()).Select(p => p.Event).Should().Equal("not yet", "of another");
        log.Read(new Stretch(log, 0, 4, Heard("A", 5), 5), 2, "me", new Dictionary<string, long>()).Select(p => p.Event).Should().Equal("not yet");
        log.Read(new Stretch(log, 0, long.MaxValue, Heard("A", 5), 2), 2, "me", new Dictionary<string, long>()).Select(p => p.Event)
            .Should().Equal(["dealt with", "not yet", "of another"], "behind 2 all are meant");
        Heard("A", 5).Has(new Origin(null, 0)).Should().BeTrue("what no other node gets is for those who were here");

        static Heard Heard(string node, long number) => new(new Dictionary<string, long> { [node] = number });
    }

    [Fact]
    public void Only_what_was_meant_for_the_reader_is_read()
    {
        ReplayLog log = Create();
        Add(log, "to all");
        Add(log, "to me", Everybody with { Rooms = ["me"] });
        Add(log, "to you", Everybody with { Rooms = ["you"] });
        Add(log, "to one of my rooms", Everybody with { Rooms = ["other", "mine"] });
        Add(log, "to all but me", Everybody with { Except = ["me"] });
        Add(log, "to all but my room", Everybody with { Except = ["other", "mine"] });
        Add(log, "to my room without another", Everybody with { Rooms = ["mine"], Except = ["other"] });
        Add(log, "to my socket", Everybody with { Sid = "me" });
        Read(log, 1, "me", "mine").Should().Equal("to all", "to me", "to one of my rooms", "to my room without another", "to my socket");
        Read(log, 1, "a guest", "me").Should().Equal("to all", "to me", "to all but my room");
        Read(log, 1, "you").Should().Equal("to all", "to you", "to all but me", "to all but my room");
    }

    [Fact]
    public void What_went_to_a_room_before_it_was_joined_is_not_read()
    {
        ReplayLog log = Create();
        Add(log, "before", Everybody with { Rooms = ["mine"] });
        Add(log, "to all but mine, before", Everybody with { Except = ["mine"] });
        var rooms = new Dictionary<string, long> { ["me"] = 0, ["mine"] = log.Position };
        Add(log, "after", Everybody with { Rooms = ["mine"] });
        Add(log, "to all but mine, after", Everybody with { Except = ["mine"] });

        log.Read(1, "me", rooms).Select(p => p.Event).Should().Equal("to all but mine, before", "after");
    }

    [Fact]
    public void The_oldest_make_room_when_there_are_too_many()
    {
        ReplayLog log = Create(new ReplayLimits(3, 1_000, TimeSpan.FromHours(1)));
        for (int i = 0; i < 10; i++)
        {
            Add(log, $"{i}");
            log.Count.Should().Be(Math.Min(i + 1, 3));
        }

        log.Reaches(8).Should().BeTrue();
        log.Reaches(7).Should().BeFalse("the event behind it is gone");
        log.Reaches(11).Should().BeTrue("nothing is missed");
        log.Reaches(12).Should().BeFalse("nobody can have had that");
        Read(log, 8, "me").Should().Equal("7", "8", "9");
    }

    [Fact]
    public void The_oldest_make_room_when_they_have_too_many_bytes()
    {
        ReplayLog log = Create(new ReplayLimits(100, 20, TimeSpan.FromHours(1)));
        Add(log, "123", data: "1234567");
        Add(log, "123", data: "1234567");
        log.Bytes.Should().Be(20);
        Add(log, "x", data: "");
        log.Count.Should().Be(2);
        log.Bytes.Should().Be(11);
        Add(log, "large", data: new string('5', 30));
        log.Count.Should().Be(0, "not even this one fits");
        log.Bytes.Should().Be(0);
        log.Reaches(log.Position - 1).Should().BeFalse();
        log.Reaches(log.Position).Should().BeTrue();
    }

    [Fact]
    public void Attachments_count()
    {
        ReplayLog log = Create();
        var arguments = new JsonArguments(Encoding.UTF8.GetBytes("{\"_placeholder\":true,\"num\":0}"), 1, [new byte[1_000]]);
        log.Add(Everybody, new Packet(PacketKind.Event) { Event = "e", Arguments = arguments });
        log.Bytes.Should().Be(1_000 + 29 + 1);
    }

    [Fact]
    public void What_is_too_old_goes_with_the_next_or_when_it_is_looked_for()
    {
        ReplayLog log = Create(new ReplayLimits(100, 1_000, TimeSpan.FromSeconds(10)));
        Add(log, "a");
        _time.Advance(TimeSpan.FromSeconds(6));
        Add(log, "b");
        _time.Advance(TimeSpan.FromSeconds(6));
        log.Count.Should().Be(2);
        Add(log, "c");
        Read(log, 2, "me").Should().Equal("b", "c");
        log.Reaches(1).Should().BeFalse();
        _time.Advance(TimeSpan.FromSeconds(11));
        log.Trim();
        log.Count.Should().Be(0);
        log.Reaches(4).Should().BeTrue();
    }

    [Fact]
    public void A_log_that_is_cleared_counts_on()
    {
        ReplayLog log = Create();
        Add(log, "a");
        Add(log, "b");
        log.Clear();
        log.Count.Should().Be(0);
        log.Bytes.Should().Be(0);
        log.Reaches(2).Should().BeFalse();
        log.Reaches(3).Should().BeTrue();
        Add(log, "c").Should().Be(4);
        Read(log, 3, "me").Should().Equal("c");
    }

    [Fact]
    public void A_ring_that_grows_while_it_turns_keeps_the_order()
    {
        ReplayLog log = Create(new ReplayLimits(100, 1_000_000, TimeSpan.FromSeconds(10)));
        var expected = new Queue<string>();
        var random = new Random(5);
        for (int i = 0; i < 2_000; i++)
        {
            Add(log, $"{i}");
            expected.Enqueue($"{i}");
            if (random.Next(40) == 0)
            {
                _time.Advance(TimeSpan.FromSeconds(11));
                log.Trim();
                expected.Clear();
            }

            while (expected.Count > 100)
            {
                expected.Dequeue();
            }

            Read(log, log.Position - log.Count, "me").Should().Equal(expected);
        }
    }

    private static long Add(ReplayLog log, string name, Audience? audience = null, string data = "1") =>
        log.Add(audience ?? Everybody, new Packet(PacketKind.Event) { Event = name, Arguments = new JsonArguments(Encoding.UTF8.GetBytes(data), 1) });

    private static IEnumerable<string> Read(ReplayLog log, long after, string sid, params string[] rooms) =>
        log.Read(after, sid, rooms.Append(sid).ToDictionary(r => r, _ => 0L)).Select(p => p.Event);

    private ReplayLog Create(ReplayLimits? limits = null) => new(limits ?? new ReplayLimits(1_000, 1_000_000, TimeSpan.FromHours(1)), _time);
}

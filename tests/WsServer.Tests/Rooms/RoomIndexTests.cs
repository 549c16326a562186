using FluentAssertions;
using WsServer.Rooms;
using Xunit;

namespace WsServer.Tests.Rooms;

public class RoomIndexTests
{
    private readonly List<string> _changes = [];
    private readonly RoomIndex<string> _index;

    public RoomIndexTests() => _index = new RoomIndex<string>((change, room, id) =>
    {
        lock (_changes)
        {
            _changes.Add($"{change} {room} {id}");
        }
    });

    [Fact]
    public void A_room_is_there_from_its_first_member_to_its_last()
    {
        RoomMember<string> a = Add("a");
        RoomMember<string> b = Add("b");
        _index.Join(a, "r");
        _index.Join(b, "r");
        _index.Rooms.Should().ContainSingle().Which.Should().Be(KeyValuePair.Create("r", 2));
        _index.CountIn("r").Should().Be(2);
        _index.Leave(a, "r");
        _index.CountIn("r").Should().Be(1);
        _index.Leave(b, "r");
        _index.Rooms.Should().BeEmpty();
        _changes.Should().Equal("Created r a", "Joined r a", "Joined r b", "Left r a", "Left r b", "Deleted r b");
    }

    [Fact]
    public void A_room_that_was_deleted_is_created_anew()
    {
        RoomMember<string> a = Add("a");
        for (int i = 0; i < 2; i++)
        {
            _index.Join(a, "r");
            Visited("r").Should().Equal("a");
            _index.Leave(a, "r");
            Visited("r").Should().BeEmpty();
        }

        _changes.Where(c => c.StartsWith("Created", StringComparison.Ordinal)).Should().HaveCount(2);
    }

    [Fact]
    public void Joining_twice_and_leaving_what_one_is_not_in_do_nothing()
    {
        RoomMember<string> a = Add("a");
        _index.Join(a, "r");
        _index.Join(a, "r");
        _index.Leave(a, "other");
        _index.CountIn("r").Should().Be(1);
        Visited("r").Should().Equal("a");
        _changes.Should().Equal("Created r a", "Joined r a");
    }

    [Fact]
    public void Each_member_is_in_a_room_of_its_own_that_it_neither_joins_nor_leaves()
    {
        RoomMember<string> a = Add("a");
        a.Rooms.Should().Equal("a");
        a.IsIn("a").Should().BeTrue();
        Visited("a").Should().Equal("a");
        _index.CountIn("a").Should().Be(1);
        _index.Join(a, "a");
        _index.Leave(a, "a");
        Visited("a").Should().Equal("a");
        _index.Rooms.Should().BeEmpty();
        _changes.Should().BeEmpty();
    }

    [Fact]
    public void Several_rooms_are_a_union_in_which_each_counts_once()
    {
        RoomMember<string> a = Add("a");
        RoomMember<string> b = Add("b");
        Add("c");
        _index.Join(a, "r");
        _index.Join(a, "s");
        _index.Join(b, "s");
        Visited("r", "s").Should().BeEquivalentTo("a", "b");
        Visited("r", "r").Should().Equal("a");
        Visited("a", "s", "c").Should().BeEquivalentTo("a", "b", "c");
        Visited("none").Should().BeEmpty();
        Visited().Should().BeEquivalentTo("a", "b", "c");
    }

    [Fact]
    public void A_room_with_the_name_of_a_member_holds_that_member_too()
    {
        RoomMember<string> a = Add("a");
        RoomMember<string> b = Add("b");
        _index.Join(b, "a");
        Visited("a").Should().BeEquivalentTo("a", "b");
        _index.CountIn("a").Should().Be(2);
        _index.Remove(a);
        Visited("a").Should().Equal("b");
    }

    [Fact]
    public void Exceptions_take_members_out()
    {
        RoomMember<string> a = Add("a");
        RoomMember<string> b = Add("b");
        RoomMember<string> c = Add("c");
        foreach (RoomMember<string> member in new[] { a, b, c })
        {
            _index.Join(member, "all");
        }

        _index.Join(b, "quiet");
        VisitedExcept(["quiet"]).Should().BeEquivalentTo("a", "c");
        VisitedExcept(["quiet", "a"], "all").Should().Equal("c");
        VisitedExcept(["all"]).Should().BeEmpty();
        VisitedExcept(["none"], "quiet").Should().Equal("b");
        VisitedExcept(["a"], "a").Should().BeEmpty();
    }

    [Fact]
    public void Who_is_removed_is_in_no_room_and_joins_none_any_more()
    {
        RoomMember<string> a = Add("a");
        RoomMember<string> b = Add("b");
        _index.Join(a, "r");
        _index.Join(b, "r");
        _index.Join(a, "s");
        _index.Remove(a);
        _index.Join(a, "t");
        _index.Remove(a);
        a.Rooms.Should().BeEmpty();
        _index.Find("a").Should().BeNull();
        _index.Count.Should().Be(1);
        _index.Rooms.Should().ContainSingle().Which.Should().Be(KeyValuePair.Create("r", 1));
        _changes.Should().Contain(["Left r a", "Left s a", "Deleted s a"]).And.NotContain(c => c.Contains(" t "));
    }

    [Fact]
    public void Who_joined_rooms_before_being_added_leaves_them_when_removed()
    {
        var early = new RoomMember<string>("early", "early");
        _index.Join(early, "r");
        _index.CountIn("r").Should().Be(1);
        _index.Remove(early);
        _index.Rooms.Should().BeEmpty();
        _index.Count.Should().Be(0);
    }

    [Fact]
    public void Who_joins_during_a_visit_is_not_visited_and_who_stays_is_visited_once()
    {
        RoomMember<string>[] members = [.. Enumerable.Range(0, 10).Select(i => Add($"m{i}"))];
        Array.ForEach(members, m => _index.Join(m, "r"));
        var seen = new List<string>();
        int newcomer = 0;
        _index.Visit<object?>(["r"], [], null, (id, _) =>
        {
            seen.Add(id);

            // Takes free places, and makes the array grow and shrink under the visit.
            _index.Leave(members[9], "r");
            for (int i = 0; i < 5; i++)
            {
                _index.Join(Add($"n{newcomer++}"), "r");
            }
        });
        seen.Where(id => id != "m9").Should().Equal(members[..9].Select(m => m.Id));
        _index.CountIn("r").Should().Be(9 + newcomer);
    }

    [Fact]
    public void Joining_and_leaving_cost_the_same_however_large_the_room()
    {
        long small = Cost(members: 100);
        long large = Cost(members: 100_000);
        large.Should().BeLessThan((small * 2) + 10_000, "a copy of the room or a search through it would allocate or take by its size");

        static long Cost(int members)
        {
            var index = new RoomIndex<int>((_, _, _) => { });
            for (int i = 0; i < members; i++)
            {
                index.Join(new RoomMember<int>($"m{i}", i), "r");
            }

            RoomMember<int>[] guests = [.. Enumerable.Range(0, 1_000).Select(i => new RoomMember<int>($"g{i}", i))];

            // The first guests make the room grow and the path run compiled; the same places serve the others.
            Array.ForEach(guests, g => index.Join(g, "r"));
            Array.ForEach(guests, g => index.Leave(g, "r"));
            long before = GC.GetAllocatedBytesForCurrentThread();
            foreach (RoomMember<int> guest in guests)
            {
                index.Join(guest, "r");
                index.Leave(guest, "r");
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    private RoomMember<string> Add(string id)
    {
        var member = new RoomMember<string>(id, id);
        _index.Add(member);
        return member;
    }

    private List<string> Visited(params string[] rooms) => VisitedExcept([], rooms);

    private List<string> VisitedExcept(string[] except, params string[] rooms)
    {
        var seen = new List<string>();
        _index.Visit(rooms, except, seen, static (id, all) => all.Add(id));
        return seen;
    }
}

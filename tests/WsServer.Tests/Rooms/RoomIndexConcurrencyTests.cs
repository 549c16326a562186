using FluentAssertions;
using WsServer.Rooms;
using Xunit;

namespace WsServer.Tests.Rooms;

public class RoomIndexConcurrencyTests
{
    private const int Stayers = 50;
    private const int Visits = 2_000;

    // Everybody at once, one room, a union and a room with an exception: the four ways a visit goes.
    [Theory]
    [InlineData(new string[0], new string[0])]
    [InlineData(new[] { "r" }, new string[0])]
    [InlineData(new[] { "r", "s" }, new string[0])]
    [InlineData(new[] { "r" }, new[] { "nobody" })]
    public async Task Who_stays_is_visited_exactly_once_while_others_come_and_go(string[] rooms, string[] except)
    {
        int[] changes = new int[Enum.GetValues<RoomChange>().Length];
        var index = new RoomIndex<int>((change, _, _) => Interlocked.Increment(ref changes[(int)change]));
        RoomMember<int>[] stayers = [.. Enumerable.Range(0, Stayers).Select(i => new RoomMember<int>($"stayer{i}", i))];
        foreach (RoomMember<int> stayer in stayers)
        {
            index.Add(stayer);
            index.Join(stayer, "r");
            index.Join(stayer, "s");
        }

        using var done = new CancellationTokenSource();
        Task[] churn = [.. Enumerable.Range(0, 3).Select(n => Task.Run(() => Churn(index, n, done.Token)))];
        try
        {
            int[] counts = new int[Stayers];
            for (int visit = 1; visit <= Visits; visit++)
            {
                Array.Clear(counts);
                index.Visit(rooms, except, counts, static (value, all) =>
                {
                    if (value >= 0)
                    {
                        all[value]++;
                    }
                });
                if (counts.Any(c => c != 1))
                {
                    throw new InvalidOperationException($"Visit {visit} saw the stayers {string.Join(' ', counts)} times.");
                }
            }
        }
        finally
        {
            await done.CancelAsync();
            await Task.WhenAll(churn);
        }

        Array.ForEach(stayers, index.Remove);
        index.Count.Should().Be(0);
        index.Rooms.Should().BeEmpty();
        index.CountIn("r").Should().Be(0);
        changes[(int)RoomChange.Left].Should().Be(changes[(int)RoomChange.Joined]);
        changes[(int)RoomChange.Deleted].Should().Be(changes[(int)RoomChange.Created]).And.BePositive();
    }

    [Fact]
    public async Task A_room_whose_last_member_leaves_while_another_joins_is_never_lost()
    {
        var index = new RoomIndex<int>((_, _, _) => { });
        await Task.WhenAll(Enumerable.Range(0, 3).Select(n => Task.Run(() =>
        {
            var member = new RoomMember<int>($"m{n}", n);
            index.Add(member);
            for (int i = 0; i < 20_000; i++)
            {
                index.Join(member, "r");
                int found = 0;
                index.Visit(["r"], [], 0, (value, _) => found += value == n ? 1 : 0);
                if (found != 1)
                {
                    throw new InvalidOperationException($"Member {n} found itself {found} times.");
                }

                index.Leave(member, "r");
            }

            index.Remove(member);
        })));
        index.Rooms.Should().BeEmpty();
        index.Count.Should().Be(0);
    }

    [Fact]
    public async Task Joins_that_race_with_the_removal_of_their_member_leave_nothing_behind()
    {
        var index = new RoomIndex<int>((_, _, _) => { });
        for (int i = 0; i < 2_000; i++)
        {
            var member = new RoomMember<int>($"m{i}", i);
            index.Add(member);
            Task joining = Task.Run(() =>
            {
                for (int room = 0; room < 5; room++)
                {
                    index.Join(member, $"r{room}");
                }
            });
            index.Remove(member);
            await joining;
        }

        index.Rooms.Should().BeEmpty();
        index.Count.Should().Be(0);
    }

    // Large and small crowds by turns, so that the arrays grow and shrink under the visits.
    private static void Churn(RoomIndex<int> index, int number, CancellationToken done)
    {
        var random = new Random(number);
        for (int round = 0; !done.IsCancellationRequested; round++)
        {
            RoomMember<int>[] crowd = [.. Enumerable.Range(0, random.Next(1, 300)).Select(i => new RoomMember<int>($"{number}-{round}-{i}", -1))];
            foreach (RoomMember<int> member in crowd)
            {
                index.Add(member);
                index.Join(member, "r");
                index.Join(member, random.Next(2) == 0 ? "s" : "t");
            }

            foreach (RoomMember<int> member in crowd)
            {
                if (random.Next(3) == 0)
                {
                    index.Leave(member, "r");
                    index.Join(member, "r");
                }
            }

            Array.ForEach(crowd, index.Remove);
        }
    }
}

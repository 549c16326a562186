using BenchmarkDotNet.Attributes;
using WsServer.Rooms;

namespace WsServer.Microbenchmarks;

/// <summary>Who is in which room: joining, leaving, visiting.</summary>
public class RoomMembership
{
    private readonly RoomIndex<object> _index = new((_, _, _) => { });
    private readonly RoomMember<object> _member = new("m", new object());
    private readonly Action<object, RoomMembership> _visit = static (_, self) => self._visited++;
    private int _visited;

    [GlobalSetup(Targets = [nameof(JoinAndLeaveAmong100000), nameof(JoinAndLeaveAlone)])]
    public void SetUpMembers() => Fill(100_000, members: 100_000);

    [GlobalSetup(Target = nameof(JoinAndLeaveWith200000Rooms))]
    public void SetUpRooms() => Fill(200_000, members: 1);

    [GlobalSetup(Target = nameof(Visit1000))]
    public void SetUpVisit() => Fill(1_000, members: 1_000);

    /// <summary>A room that is made for the member and goes with it.</summary>
    [Benchmark(Baseline = true)]
    public void JoinAndLeaveAlone() => JoinAndLeave("alone");

    [Benchmark]
    public void JoinAndLeaveAmong100000() => JoinAndLeave("0");

    [Benchmark]
    public void JoinAndLeaveWith200000Rooms() => JoinAndLeave("alone");

    [Benchmark]
    public int Visit1000()
    {
        _visited = 0;
        _index.Visit(["0"], [], this, _visit);
        return _visited == 1_000 ? _visited : throw new InvalidOperationException($"{_visited} of 1000 members were visited.");
    }

    // Rooms "0", "1" and so on, each with so many members.
    private void Fill(int count, int members)
    {
        _index.Add(_member);
        for (int i = 0; i < count; i++)
        {
            var member = new RoomMember<object>($"m{i}", new object());
            _index.Add(member);
            _index.Join(member, $"{i / members}");
        }

        if (_index.CountIn("0") != members)
        {
            throw new InvalidOperationException($"A room has {_index.CountIn("0")} members; it should have {members}.");
        }
    }

    private void JoinAndLeave(string room)
    {
        _index.Join(_member, room);
        _index.Leave(_member, room);
    }
}

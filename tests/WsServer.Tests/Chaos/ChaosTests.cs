using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Chaos;

/// <summary>Clients of the event protocol behind a proxy that does what networks do.</summary>
public class ChaosTests
{
    private const int Events = 120;

    // Longer than the server's, so that it is the server that finds out.
    private static readonly TimeSpan ShortPatience = TimeSpan.FromSeconds(6);

    private static readonly ChaosFault[] Faults = [ChaosFault.None, ChaosFault.BlackHole, ChaosFault.HalfClose, ChaosFault.Close, ChaosFault.Reset];

    private static readonly Dictionary<string, ChaosCourse> Slow = new()
    {
        ["delay"] = new() { MaxDelay = TimeSpan.FromMilliseconds(15) },
        ["one byte at a time"] = new() { MaxPiece = 1 },
        ["small pieces"] = new() { MaxPiece = 7 },
        ["delay, then small pieces"] = new() { MaxDelay = TimeSpan.FromMilliseconds(10), MaxPiece = 40 },
    };

    public static TheoryData<string> SlowCourses => [.. Slow.Keys];

    [Theory]
    [MemberData(nameof(SlowCourses))]
    public async Task A_slow_or_choppy_way_loses_and_changes_nothing(string course)
    {
        await using ChaosServer server = await ChaosServer.StartAsync(1, _ => new ChaosScript(Slow[course], Slow[course]));

        ChaosClient[] clients = await RunAsync(server, 3);

        foreach (ChaosClient client in clients)
        {
            client.Acks.Should().Equal(Enumerable.Range(0, Events));
            server.ReceivedFrom(client.Sid!).Should().Equal(Enumerable.Range(0, Events));
            client.Ticks.Should().NotBeEmpty().And.Equal(Enumerable.Range(client.Ticks[0], client.Ticks.Count), "nothing between the first and the last is missing");
        }

        await server.BeUnharmedAsync();
        clients.Should().AllSatisfy(c => server.Ends[c.Sid!].Should().Equal(DisconnectReason.TransportClose));
    }

    [Theory]
    [InlineData(ChaosFault.BlackHole, true)]
    [InlineData(ChaosFault.BlackHole, false)]
    [InlineData(ChaosFault.HalfClose, true)]
    [InlineData(ChaosFault.HalfClose, false)]
    [InlineData(ChaosFault.Close, true)]
    [InlineData(ChaosFault.Reset, true)]
    [InlineData(ChaosFault.Reset, false)]
    public async Task A_cut_ends_its_own_connection_only_and_what_came_before_it_is_handled_once(object fault, bool isToServer)
    {
        // Each at another place: in the upgrade, in the first messages, and well behind them.
        var cut = (ChaosFault)fault;
        int[] places = [40, 200, 700, 1_300, 1_900, 2_500];
        await using ChaosServer server = await ChaosServer.StartAsync(2, number =>
        {
            ChaosCourse course = new() { Fault = cut, FaultAfter = places[number % places.Length] };
            return isToServer ? ChaosScript.Clean with { ToServer = course } : ChaosScript.Clean with { ToClient = course };
        });

        ChaosClient[] clients = await RunAsync(server, places.Length, ShortPatience);

        clients.Should().AllSatisfy(c => c.IsDone.Should().BeFalse("every connection was cut"));
        clients.Should().Contain(c => c.Acks.Count > 10, "some were cut in the middle");
        Verify(server, clients);
        await server.BeUnharmedAsync();
        if (cut == ChaosFault.BlackHole)
        {
            server.Ends.Values.SelectMany(e => e).Should().Contain(DisconnectReason.PingTimeout);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task In_any_mix_of_faults_others_lose_nothing_and_nothing_is_left(int seed)
    {
        var random = new Random(seed);
        ChaosScript[] scripts = [.. Enumerable.Range(0, 24).Select(_ => ChaosScript.Roll(random, Faults, within: 8_000))];
        await using ChaosServer server = await ChaosServer.StartAsync(seed, number => scripts[number % scripts.Length]);

        ChaosClient[] clients = await RunAsync(server, scripts.Length, ShortPatience);

        clients.Should().Contain(c => c.IsDone).And.Contain(c => !c.IsDone);
        Verify(server, clients);
        await server.BeUnharmedAsync();
    }

    [Theory]
    [InlineData(1, 400)]
    [InlineData(2, 2_000)]
    [InlineData(3, 60)]
    public async Task Corrupted_bytes_hurt_nobody_but_their_own_connection(int seed, int every)
    {
        // The one in three whose upgrade is corrupted as well meets the HTTP server.
        await using ChaosServer server = await ChaosServer.StartAsync(seed, number => new ChaosScript(
            new ChaosCourse { CorruptEvery = every, CorruptFrom = number % 3 == 0 ? 0 : 1_000 },
            number % 2 == 0 ? ChaosCourse.Clean : new ChaosCourse { CorruptEvery = every * 10, CorruptFrom = 400 }));

        // What is corrupted may be the length of a frame, and the server waits for the rest: only the pings end that.
        ChaosClient[] clients = await RunAsync(server, 18, ShortPatience);

        clients.Should().AllSatisfy(c => c.Acks.Count.Should().BeLessThanOrEqualTo(Events));
        server.Sids.Should().AllSatisfy(sid => server.ReceivedFrom(sid).Count.Should().BeLessThanOrEqualTo(Events));
        await server.BeUnharmedAsync();
    }

    /// <summary>Runs so many clients through the proxy to their ends, while the server emits to everybody.</summary>
    private static async Task<ChaosClient[]> RunAsync(ChaosServer server, int count, TimeSpan? patience = null)
    {
        ChaosClient[] clients = [.. Enumerable.Range(0, count).Select(_ => new ChaosClient())];
        await server.TickUntilAsync(Task.WhenAll(clients.Select(c => c.RunAsync(server.Proxy.Ws(), Events, patience ?? Within.Reason))));
        foreach (ChaosClient client in clients)
        {
            client.Dispose();
        }

        return clients;
    }

    private static void Verify(ChaosServer server, ChaosClient[] clients)
    {
        foreach (string sid in server.Sids)
        {
            IReadOnlyList<int> received = server.ReceivedFrom(sid);
            received.Should().Equal(Enumerable.Range(0, received.Count), "events arrive once and in order, up to the cut");
        }

        foreach (ChaosClient client in clients.Where(c => c.Sid is not null))
        {
            client.Unreadable.Should().Be(0);
            client.Acks.Should().OnlyHaveUniqueItems("an event is acked once at most");
            client.Acks.Should().Equal(server.ReceivedFrom(client.Sid!).Take(client.Acks.Count), "what is acked has been handled");
            client.Ticks.Should().Equal(client.Ticks.Count == 0 ? [] : Enumerable.Range(client.Ticks[0], client.Ticks.Count));
        }
    }
}

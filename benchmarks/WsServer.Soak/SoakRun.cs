using System.Diagnostics;
using System.Globalization;
using WsServer.Soak.Actors;
using WsServer.Soak.Reports;
using WsServer.Soak.Wire;

namespace WsServer.Soak;

/// <summary>The soak: everybody at once for as long as it was asked for, then nobody, and a verdict.</summary>
internal static class SoakRun
{
    private const int MembersForEachLobbyist = 50;
    private const int BadInputs = 2;
    private const int OpeningAtOnce = 50;

    /// <returns>What is wrong; nothing when all is well.</returns>
    public static async Task<IReadOnlyList<string>> RunAsync(Options options)
    {
        using SoakServer server = SoakServer.Start();
        var tally = new Tally();
        int lobbyists = options.Connections / MembersForEachLobbyist;
        Member[] members = [.. Enumerable.Range(0, options.Connections - lobbyists).Select(i => CreateMember(server.Port, i, options.Seed, tally))];
        using var stop = new CancellationTokenSource();

        Console.WriteLine($"{members.Length} members, {lobbyists} lobbyists and {BadInputs} that send what is wrong, for {options.Minutes.ToString(CultureInfo.InvariantCulture)} minutes.");
        List<Task> running = [];
        foreach (Member[] some in members.Chunk(OpeningAtOnce))
        {
            running.AddRange(some.Select(m => Task.Run(() => m.RunAsync(stop.Token))));

            // Connecting all at once is another test than this.
            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }

        List<Task> passing = [.. Enumerable.Range(0, lobbyists).Select(i => new Lobbyist(server.Port, i, tally, Chance(options.Seed, -1 - i)).RunAsync(stop.Token))];
        passing.AddRange(Enumerable.Range(0, BadInputs).Select(i => new BadInput(server.Port, tally, Chance(options.Seed, -1_000_000 - i)).RunAsync(stop.Token)));

        var sampler = new Sampler(server, tally);
        await sampler.RunAsync(TimeSpan.FromMinutes(options.Minutes));
        await stop.CancelAsync();
        await Task.WhenAll(passing);
        Console.WriteLine("All stand still: does everybody have the last of everybody?");
        await CompareAsync(members, tally);
        Console.WriteLine("All leave.");
        await Task.WhenAll(members.Select(m => EndAsync(m, tally)));
        await Task.WhenAll(running);
        Console.WriteLine("All have left.");
        Counts left = await server.SettleAsync(SoakServer.RecoveryWindow + WireClient.Patience);
        var report = new Report(options, sampler.Samples, tally, left, server.CollectHeap());
        IReadOnlyList<string> wrong = Verdict.Of(report);
        report.Print();
        if (options.Out is { } folder)
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, "soak.json"), report.ToJson(wrong));
            File.WriteAllText(Path.Combine(folder, "soak.svg"), SoakPlot.Create(report));
        }

        return wrong;
    }

    private static Random Chance(int seed, int index) => new(unchecked((seed * 1_000_003) + index));

    private static Member CreateMember(int port, int index, int seed, Tally tally)
    {
        Way way = (index % 40) switch
        {
            1 or 21 => Way.WebSocket,
            7 => Way.Polling,
            3 or 23 => Way.Recovering,
            _ => Way.Native,
        };
        bool isRestless = way == Way.Recovering || index % 20 == 4 || (way != Way.Native && index % 80 < 10);
        return new Member(port, index, way, isRestless, tally, Chance(seed, index));
    }

    private static async Task EndAsync(Member member, Tally tally)
    {
        try
        {
            await member.EndAsync();
        }
        catch (Exception exception)
        {
            tally.Fail(member.Name, exception);
        }
    }

    /// <summary>Everybody who was in a room in time has the last of what the others have said there.</summary>
    private static async Task CompareAsync(Member[] members, Tally tally)
    {
        long start = Stopwatch.GetTimestamp();
        string? missing = FindMissing(members);
        while (missing is not null && Stopwatch.GetElapsedTime(start) < WireClient.Patience)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50));
            missing = FindMissing(members);
        }

        if (missing is not null)
        {
            tally.Fail("the end", new SoakException(missing));
        }
    }

    private static string? FindMissing(Member[] members)
    {
        foreach (IGrouping<int, Member> room in members.GroupBy(m => m.Room))
        {
            foreach (Member hearer in room)
            {
                foreach (Member sayer in room)
                {
                    if (hearer.Session is { } hears && sayer.Session is { } says && says.LastSaidAt > hears.Hearing.Since
                        && hears.Hearing.LastOf(says.Sender) != says.SaidCount - 1)
                    {
                        return $"{hearer.Name} has number {hears.Hearing.LastOf(says.Sender)} of {sayer.Name}, who said {says.SaidCount}.";
                    }
                }
            }
        }

        return null;
    }
}

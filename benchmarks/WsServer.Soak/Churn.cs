using System.Diagnostics;
using System.Globalization;
using WsServer.Soak.Wire;

namespace WsServer.Soak;

/// <summary>Clients that come, are put into two rooms, are asked something, and go without an answer, politely and not.</summary>
internal static class Churn
{
    private const int AtOnce = 64;

    // Until every path is compiled, and every thread has filled its pools.
    private const int WarmUp = 20_000;

    /// <summary>Rented buffers are counted for the last of them only, as counting costs as much as the rest.</summary>
    private const int Counted = 5_000;

    /// <summary>How much more managed memory there may be afterwards.</summary>
    private const double MaxGrowth = 0.10;

    /// <returns>What is wrong; nothing when all is well.</returns>
    public static async Task<IReadOnlyList<string>> RunAsync(Options options)
    {
        using SoakServer server = SoakServer.Start();
        await RoundAsync(server, WarmUp, options.Seed);
        Counts before = await server.SettleAsync(WireClient.Patience);
        long heapBefore = server.CollectHeap();
        before = await server.CountAsync();

        long start = Stopwatch.GetTimestamp();
        TimeSpan cpu = server.CpuTime;
        await RoundAsync(server, options.Churn, options.Seed + 1);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        cpu = server.CpuTime - cpu;
        Counts after = await server.SettleAsync(WireClient.Patience);
        long heapAfter = server.CollectHeap();

        await server.CountBuffersAsync();
        await RoundAsync(server, Counted, options.Seed + 2);
        Counts last = await server.SettleAsync(WireClient.Patience);
        server.CollectHeap();
        last = await server.CountAsync();

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{options.Churn} connections came and went in {elapsed.TotalSeconds:0.0} s, {cpu.TotalMicroseconds / options.Churn:0} µs of the server's CPU time each."));
        Console.WriteLine($"before: {before}, {heapBefore:#,0} bytes of managed memory");
        Console.WriteLine($"after:  {after}, {heapAfter:#,0} bytes of managed memory");
        Console.WriteLine($"buffers rented and not given back in {Counted} more: {last.RentedBuffers} of {last.Rents}");

        var wrong = new List<string>();
        foreach (Counts counts in (Counts[])[before, after, last])
        {
            Require(counts is { Connections: 0, Sockets: 0, Rooms: 0, PendingAcks: 0, CutOff: 0, Errors: 0 }, $"Something is left, or was logged: {counts}");
        }

        // The web server has some of its own that come and go, such as one for a pool's trimming.
        Require(after.Timers <= before.Timers + 2, $"There were {before.Timers} timers, and are {after.Timers}.");
        Require(last.Rents >= Counted, $"Only {last.Rents} buffers were counted at all.");
        Require(last.RentedBuffers < Counted / 100, $"{last.RentedBuffers} buffers were not given back.");
        Require(heapAfter <= heapBefore * (1 + MaxGrowth), $"The managed memory has grown from {heapBefore:#,0} to {heapAfter:#,0} bytes, by more than a tenth.");
        return wrong;

        void Require(bool holds, string otherwise)
        {
            if (!holds)
            {
                wrong.Add(otherwise);
            }
        }
    }

    private static async Task RoundAsync(SoakServer server, int count, int seed)
    {
        int left = count;
        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(worker => Task.Run(async () =>
        {
            var random = new Random((seed * 1_000) + worker);
            while (Interlocked.Decrement(ref left) >= 0)
            {
                await ComeAndGoAsync(server.Port, random);
            }
        })));
    }

    private static async Task ComeAndGoAsync(int port, Random random)
    {
        using WireClient wire = await WireClient.OpenAsync(port, "/churn");
        Check(await wire.ExpectAsync("connected"), "{\"connected\":\"/churn\"");
        Check(await wire.ExpectAsync("the question"), "{\"event\":\"question\"");
        switch (random.Next(3))
        {
            case 0:
                wire.Reset();
                break;
            case 1:
                await wire.SendCloseAsync();
                WireMessage goodbye = await wire.ExpectAsync("the goodbye");
                if (goodbye.Status != 1000)
                {
                    throw new SoakException($"A goodbye was answered with {goodbye.Status}.");
                }

                break;
        }
    }

    private static void Check(WireMessage message, string beginning)
    {
        if (message.IsEnd || !message.Text.StartsWith(beginning, StringComparison.Ordinal))
        {
            throw new SoakException($"{message.Kind} {message.Text} came, and not {beginning}.");
        }
    }
}

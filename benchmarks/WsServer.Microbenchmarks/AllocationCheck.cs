using System.Diagnostics;
using System.Globalization;

namespace WsServer.Microbenchmarks;

/// <summary>
/// Totals over a long run, as a counter of the runtime would show them: what everything in the process has allocated,
/// on whichever thread, divided by the messages delivered. It also sees what comes seldom, such as a queue that grows.
/// </summary>
internal static class AllocationCheck
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Runs with <c>--deliveries N</c> for each path; fails when a delivery to a client takes more than <c>--at-most BYTES</c>.
    /// An ack that the program waits for is shown only: its task and its answer are the program's to keep.
    /// </summary>
    public static async Task<int> RunAsync(string[] args)
    {
        long deliveries = 1_000_000;
        double limit = double.PositiveInfinity;
        for (int i = 0; i < args.Length; i += 2)
        {
            string value = i + 1 < args.Length ? args[i + 1] : "";
            bool isTaken = args[i] switch
            {
                "--deliveries" => long.TryParse(value, CultureInfo.InvariantCulture, out deliveries) && deliveries > 0,
                "--at-most" => double.TryParse(value, CultureInfo.InvariantCulture, out limit) && limit >= 0,
                _ => false,
            };
            if (!isTaken)
            {
                await Console.Error.WriteLineAsync("Usage: --allocations [--deliveries N] [--at-most BYTES]");
                return 2;
            }
        }

        Console.WriteLine($"{"",-32} {"deliveries",12} {"bytes",15} {"B/delivery",10} {"ns/delivery",11} {"gen0",5} {"gen1",5} {"gen2",5}");
        bool isWithin = true;
        foreach (DeliveryPath path in Paths())
        {
            await using ServerBenchmark benchmark = path.Benchmark;
            isWithin &= Measure(path, deliveries) <= limit || !path.IsToClient;
        }

        if (!isWithin)
        {
            await Console.Error.WriteLineAsync($"A delivery is to allocate {limit.ToString(CultureInfo.InvariantCulture)} bytes at most.");
        }

        return isWithin ? 0 : 1;
    }

    // Each is set up when its turn comes, so that none pays for another's connections.
    private static IEnumerable<DeliveryPath> Paths()
    {
        foreach (int burst in new[] { 1, 16 })
        {
            var fanout = new Fanout { Receivers = 1_000, Burst = burst };
            fanout.SetUp();
            yield return new DeliveryPath($"broadcast to 1,000, {burst} at once", fanout.Receivers * burst, fanout.Relay, fanout);
        }

        var rooms = new RoomsOfTen { Receivers = 10 };
        rooms.SetUp();
        yield return new DeliveryPath("room of ten", RoomsOfTen.Rooms * rooms.Receivers, rooms.Relay, rooms);

        var dispatch = new EventDispatch();
        dispatch.SetUpRaw();
        yield return new DeliveryPath("ack to a client", EventDispatch.Batch, dispatch.Raw, dispatch);

        var ack = new ServerAck();
        ack.SetUp();
        yield return new DeliveryPath("ack from a client", AckExchange.Batch, ack.Ask, ack, IsToClient: false);
    }

    private static double Measure(DeliveryPath path, long deliveries)
    {
        for (var warming = Stopwatch.StartNew(); warming.Elapsed < WarmUp;)
        {
            path.Run();
        }

        long runs = (deliveries + path.Deliveries - 1) / path.Deliveries;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        int[] collections = [GC.CollectionCount(0), GC.CollectionCount(1), GC.CollectionCount(2)];
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        long start = Stopwatch.GetTimestamp();
        for (long i = 0; i < runs; i++)
        {
            path.Run();
        }

        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        long delivered = runs * path.Deliveries;
        double each = (double)allocated / delivered;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{path.Name,-32} {delivered,12:N0} {allocated,15:N0} {each,10:N2} {elapsed.TotalNanoseconds / delivered,11:N0} {GC.CollectionCount(0) - collections[0],5} {GC.CollectionCount(1) - collections[1],5} {GC.CollectionCount(2) - collections[2],5}"));
        return each;
    }

    /// <param name="Name">What is done.</param>
    /// <param name="Deliveries">How many messages a run delivers.</param>
    /// <param name="Run">Does it once, and fails unless as many were delivered.</param>
    /// <param name="Benchmark">Whose it is.</param>
    /// <param name="IsToClient">Whether what is delivered goes to a client.</param>
    private sealed record DeliveryPath(string Name, int Deliveries, Action Run, ServerBenchmark Benchmark, bool IsToClient = true);
}

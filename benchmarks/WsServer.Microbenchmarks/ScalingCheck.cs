using System.Diagnostics;
using System.Globalization;

namespace WsServer.Microbenchmarks;

/// <summary>What must not grow with the size of the server, and what must come back after a burst. Fails where it does not hold.</summary>
internal static class ScalingCheck
{
    private const double MostSlowdown = 4;

    // Of what a burst took, so much may stay: hash tables keep the size they once had, and pools a few of their arrays.
    private const double MostKept = 0.2;

    private static bool _holds = true;

    public static async Task<int> RunAsync()
    {
        await WarmUpAsync();
        await MembersAsync();
        await RoomsAsync();
        await ConnectionsAsync();
        await OutboxesAsync();
        return _holds ? 0 : 1;
    }

    // Until the JIT has done its best: the first figures are those that others are compared with.
    private static async Task WarmUpAsync()
    {
        await using var server = new MemoryServer();
        EventSocket[] sockets = server.Connect(2).Sockets;
        for (var warming = Stopwatch.StartNew(); warming.Elapsed < TimeSpan.FromSeconds(2);)
        {
            await TimeOfJoinAndLeaveAsync(sockets[0]);
            await sockets[1].JoinAsync("room");
            await TimeOfJoinAndLeaveAsync(sockets[0]);
            await sockets[1].LeaveAsync("room");
        }
    }

    private static async Task MembersAsync()
    {
        Console.WriteLine("Joining and leaving a room that has so many members:");
        await using var server = new MemoryServer();
        EventSocket visitor = server.Connect(1).Sockets[0];
        double first = 0;
        int members = 0;
        foreach (int count in new[] { 10, 1_000, 100_000 })
        {
            foreach (EventSocket socket in server.Connect(count - members).Sockets)
            {
                await socket.JoinAsync("room");
            }

            members = count;
            double time = await TimeOfJoinAndLeaveAsync(visitor);
            first = first == 0 ? time : first;
            Report($"{count,11:N0} members: {time,6:N0} ns", time <= first * MostSlowdown);
        }
    }

    private static async Task RoomsAsync()
    {
        const int Sockets = 1_000;
        const int RoomsOfEach = 200;
        Console.WriteLine($"A server that holds {Sockets * RoomsOfEach:N0} rooms of one member:");
        await using var server = new MemoryServer();
        EventSocket[] sockets = server.Connect(Sockets).Sockets;
        EventSocket visitor = server.Connect(1).Sockets[0];
        string[][] rooms = [.. Enumerable.Range(0, Sockets).Select(s => Enumerable.Range(0, RoomsOfEach).Select(r => $"room-{s}-{r}").ToArray())];
        double before = await TimeOfJoinAndLeaveAsync(visitor);
        long heap = Heap();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Sockets; i++)
        {
            await sockets[i].JoinAsync(rooms[i]);
        }

        double joining = Stopwatch.GetElapsedTime(start).TotalNanoseconds / Sockets / RoomsOfEach;
        long full = Heap();
        double with = await TimeOfJoinAndLeaveAsync(visitor);
        Report($"made in {joining:N0} ns each, {(full - heap) / Sockets / RoomsOfEach:N0} bytes each without the name", server.Io.Root.Rooms.Count() == Sockets * RoomsOfEach);
        Report($"joining and leaving one more: {with:N0} ns; without them {before:N0} ns", with <= before * MostSlowdown);
        for (int i = 0; i < Sockets; i++)
        {
            await sockets[i].LeaveAsync(rooms[i]);
        }

        await ReportHeapAsync("after leaving them", heap, full);
        GC.KeepAlive(rooms);
    }

    private static async Task ConnectionsAsync()
    {
        const int Count = 20_000;
        Console.WriteLine($"{Count:N0} connections that come and go:");
        await using var server = new MemoryServer();
        server.Connect(10);
        await server.DisconnectAsync();
        long heap = Heap();
        server.Connect(Count);
        long full = Heap();
        Console.WriteLine($"  {(full - heap) / Count:N0} bytes each, the client in memory with it");
        await server.DisconnectAsync();
        await ReportHeapAsync("after they went", heap, full);
    }

    private static async Task OutboxesAsync()
    {
        const int Receivers = 1_000;
        const int Burst = 2_000;
        Console.WriteLine($"{Burst:N0} broadcasts to {Receivers:N0} clients that do not read for a while:");
        await using var server = new MemoryServer();
        MemoryTransport[] clients = server.Connect(Receivers).Clients;
        JsonArguments data = server.Io.Serializer.Write(new string('x', 100));
        server.Deliveries.Expect(Receivers);
        await server.Io.EmitAsync("message", data);
        server.Deliveries.Wait();
        long heap = Heap();
        var reading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (MemoryTransport client in clients)
        {
            client.Hold(reading.Task);
        }

        server.Deliveries.Expect((long)Receivers * Burst);
        for (int i = 0; i < Burst; i++)
        {
            await server.Io.EmitAsync("message", data);
        }

        long full = Heap();
        reading.SetResult();
        server.Deliveries.Wait();
        await ReportHeapAsync("after they read on", heap, full);
        GC.KeepAlive(clients);
    }

    // The least of many short runs: what disturbs one only ever makes it longer, and some are not disturbed.
    private static async Task<double> TimeOfJoinAndLeaveAsync(EventSocket socket)
    {
        const int Times = 5_000;
        double least = double.PositiveInfinity;
        for (int round = 0; round < 60; round++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < Times; i++)
            {
                await socket.JoinAsync("room");
                await socket.LeaveAsync("room");
            }

            least = Math.Min(least, Stopwatch.GetElapsedTime(start).TotalNanoseconds / Times);
        }

        return least;
    }

    private static long Heap()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        return GC.GetTotalMemory(forceFullCollection: false);
    }

    private static async Task ReportHeapAsync(string when, long before, long full)
    {
        // What gives memory back may still be at it: the last delivery is not the last thing done.
        long after = Heap();
        for (int tries = 0; !IsBack(after) && tries < 20; tries++)
        {
            await Task.Delay(50);
            after = Heap();
        }

        Report(string.Create(CultureInfo.InvariantCulture, $"heap {before / 1e6:N1} MB before, {full / 1e6:N1} MB full, {after / 1e6:N1} MB {when}"), IsBack(after));

        bool IsBack(long heap) => full > before && heap - before <= (full - before) * MostKept;
    }

    private static void Report(string text, bool holds)
    {
        _holds &= holds;
        Console.WriteLine($"  {text}{(holds ? "" : "  FAILED")}");
    }
}

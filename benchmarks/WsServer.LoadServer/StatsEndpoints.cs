using System.Runtime;

namespace WsServer.LoadServer;

/// <summary>What the runner asks a .NET server between two windows. The same file is compiled into every one of them.</summary>
internal static class StatsEndpoints
{
    /// <summary><c>GET /stats</c> tells what the garbage collector has counted; <c>POST /collect</c> makes it collect.</summary>
    public static void MapStats(this IEndpointRouteBuilder app)
    {
        app.MapGet("/stats", () => new GcStats(
            GC.GetTotalAllocatedBytes(precise: true),
            GC.CollectionCount(0),
            GC.CollectionCount(1),
            GC.CollectionCount(2),
            GC.GetGCMemoryInfo().HeapSizeBytes,
            GC.GetTotalPauseDuration().TotalMilliseconds));

        app.MapPost("/collect", () =>
        {
            // Aggressive gives back to the operating system what it can, so that what is left is what the connections hold.
            GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        });
    }

    /// <summary>The counters since the start of the process.</summary>
    private sealed record GcStats(long AllocatedBytes, int Gen0, int Gen1, int Gen2, long HeapBytes, double GcPauseMs);
}

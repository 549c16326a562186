using System.Diagnostics;
using System.Globalization;
using WsServer.LoadTest.Measuring;
using WsServer.Soak.Actors;

namespace WsServer.Soak.Reports;

/// <summary>One second.</summary>
/// <param name="Second">Since the start.</param>
/// <param name="Connections">How many there were.</param>
/// <param name="ResidentBytes">The memory that the server had in RAM.</param>
/// <param name="HeapBytes">Its managed memory after the last collection.</param>
/// <param name="Messages">How many went to and fro.</param>
/// <param name="CpuMicroseconds">The server's CPU time for each of them.</param>
/// <param name="P50">How long a message took from one member to another, in µs.</param>
/// <param name="P99">The same.</param>
/// <param name="PendingAcks">How many acks were owed.</param>
/// <param name="Errors">How many errors the server has logged so far.</param>
internal sealed record Sample(
    double Second, int Connections, long ResidentBytes, long HeapBytes, long Messages, double CpuMicroseconds, double? P50, double? P99, int PendingAcks, int Errors);

/// <summary>Looks at the server once a second.</summary>
internal sealed class Sampler(SoakServer server, Tally tally)
{
    private readonly List<Sample> _samples = [];

    public IReadOnlyList<Sample> Samples => _samples;

    /// <summary>Looks for so long, or until something has failed.</summary>
    public async Task RunAsync(TimeSpan time)
    {
        using var ticks = new PeriodicTimer(TimeSpan.FromSeconds(1));
        long start = Stopwatch.GetTimestamp();
        (long messages, TimeSpan cpu) = (tally.Messages, server.CpuTime);
        tally.TakeLatencies();
        while (Stopwatch.GetElapsedTime(start) < time && tally.FailureCount == 0)
        {
            await ticks.WaitForNextTickAsync();
            (long messagesNow, TimeSpan cpuNow) = (tally.Messages, server.CpuTime);
            Histogram latencies = tally.TakeLatencies();
            Counts counts = await server.CountAsync();
            long count = messagesNow - messages;
            var sample = new Sample(
                Stopwatch.GetElapsedTime(start).TotalSeconds,
                counts.Connections,
                server.ResidentBytes,
                server.GetHeapBytes(),
                count,
                (cpuNow - cpu).TotalMicroseconds / Math.Max(1, count),
                latencies.Percentile(0.5),
                latencies.Percentile(0.99),
                counts.PendingAcks,
                counts.Errors);
            _samples.Add(sample);
            (messages, cpu) = (messagesNow, cpuNow);
            const int PrintEvery = 15;
            if (_samples.Count % PrintEvery == 0)
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{sample.Second,6:0} s  {sample.Connections} connections  {sample.ResidentBytes / 1e6:0} MB, heap {sample.HeapBytes / 1e6:0.0} MB  {sample.Messages} messages/s, {sample.CpuMicroseconds:0.0} µs each  p50 {sample.P50 / 1000:0.0} ms, p99 {sample.P99 / 1000:0.0} ms"));
            }
        }
    }
}

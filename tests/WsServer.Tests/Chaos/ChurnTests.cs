using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Chaos;

/// <summary>Clients that come and go in their thousands. The hundred thousand are in <c>benchmarks/soak --churn</c>, where memory is measured as well.</summary>
public class ChurnTests
{
    private const int Connections = 5_000;

    [Fact]
    public async Task Nothing_is_left_of_thousands_that_came_and_went_with_rooms_and_pending_acks()
    {
        var time = new CountingTime();
        var objects = new ConcurrentQueue<WeakReference>();
        int asked = 0, failed = 0, ended = 0;
        await using EventServerHost host = await EventServerHost.StartAsync(
            io =>
            {
                io.OnConnection(async socket =>
                {
                    await socket.JoinAsync("everybody", $"own-{socket.Id}");
                    Keep(objects, socket);
                    _ = AskAsync(socket);
                });
                io.OnDisconnect((_, _) => Interlocked.Increment(ref ended));
            },
            o => o.RecoveryWindow = TimeSpan.FromSeconds(1),
            services: builder => builder.Services.AddSingleton<TimeProvider>(time));

        // The heartbeat's timer is made for the first connection, and stays.
        await ComeAndGoAsync(host, 0);
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0 && Volatile.Read(ref failed) == 1, "the first has gone");
        int timers = time.Timers;
        timers.Should().BePositive();

        await Parallel.ForAsync(1, Connections, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, _) => await ComeAndGoAsync(host, i));

        await Within.UntilAsync(() => host.Io.ConnectionCount == 0 && host.Io.Root.SocketCount == 0, "all are gone");
        host.Io.Root.Rooms.Should().BeEmpty();
        await Within.UntilAsync(() => Volatile.Read(ref ended) == Connections, "each has its end");
        await Within.UntilAsync(() => Volatile.Read(ref failed) == asked, "each question has failed");
        asked.Should().Be(Connections);
        await Within.UntilAsync(() => host.Io.Runtime.Recovery.CutOff.Count == 0, "those that could have come back are forgotten");
        await Within.UntilAsync(() => time.Timers == timers, "no timer is left");
        host.Log.Errors.Should().BeEmpty();
        await Within.UntilAsync(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return objects.Count(o => o.IsAlive) <= 3;
            },
            "the sockets are collected, but for what a thread may still have in hand");

        async Task AskAsync(EventSocket socket)
        {
            Interlocked.Increment(ref asked);
            try
            {
                await socket.EmitAsync<int>("question", TimeSpan.FromHours(1));
            }
            catch (EventException exception) when (exception.Code == ErrorCodes.NotConnected)
            {
                Interlocked.Increment(ref failed);
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Keep(ConcurrentQueue<WeakReference> objects, EventSocket socket) => objects.Enqueue(new WeakReference(socket));

    private static async Task ComeAndGoAsync(EventServerHost host, int number)
    {
        using RawWebSocket raw = await RawWebSocket.RequestAsync(host, number % 4 == 0 ? "/?recover=1" : "/");
        (await raw.ReadAsync()).Json.TryGetProperty("connected", out _).Should().BeTrue();
        (await raw.ReadAsync()).Json.GetProperty("event").GetString().Should().Be("question");
        switch (number % 3)
        {
            case 0:
                raw.Reset();
                break;
            case 1:
                await raw.SendCloseAsync(1000);
                (await raw.ReadAsync(RawFrame.Close)).CloseStatus.Should().Be(1000);
                break;
        }
    }
}

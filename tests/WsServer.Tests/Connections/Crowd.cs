using System.Collections.Concurrent;
using System.Globalization;
using FluentAssertions;
using WsServer.Tests.Support;

namespace WsServer.Tests.Connections;

/// <summary>The clients of a stress test.</summary>
internal sealed class Crowd : IAsyncDisposable
{
    private const int MaxOutboxBytes = 1024 * 1024;

    private readonly StressClient[] _movers = new StressClient[30];
    private readonly StressClient[] _comers = new StressClient[20];
    private readonly ConcurrentBag<StressClient> _all = [];

    // Nobody is cut off for a busy machine, and what goes to many is split.
    public InMemoryServer Server { get; } = new(o =>
    {
        o.MaxOutboxBytes = MaxOutboxBytes;
        o.FanOutShardSize = 40;
        o.AckTimeout = TimeSpan.FromMinutes(1);
    });

    public ConcurrentQueue<string> Faults { get; } = new();

    /// <summary>Those who stay and read: in the room "most", and in one of "r0" to "r3".</summary>
    public List<StressClient> Stayers { get; } = [];

    /// <summary>Their ids.</summary>
    public List<string> Sids { get; } = [];

    /// <summary>Those who do not read now and then.</summary>
    public List<StressClient> Stalled { get; } = [];

    /// <summary>Those who never read.</summary>
    public List<StressClient> Hopeless { get; } = [];

    /// <summary>How many clients had a send that failed, or that hung until it was aborted.</summary>
    public int Broken => _all.Count(c => c.HasFailed);

    /// <summary>Whether a stream reaches the stayer with this number.</summary>
    public static bool IsFor(string stream, int stayer) =>
        stream is "all" or "most" || stream == string.Create(CultureInfo.InvariantCulture, $"r{stayer % 4}") || stream == string.Create(CultureInfo.InvariantCulture, $"one{stayer}");

    public static async Task<Crowd> StartAsync()
    {
        var crowd = new Crowd();
        EventServer io = crowd.Server.Io;
        io.OnRaw("talk", (_, arguments) =>
        {
            Span<char> buffer = stackalloc char[8];
            arguments.TryGetMember("k"u8, out RawArguments stream).Should().BeTrue();
            stream.TryGetString(buffer, out ReadOnlySpan<char> room).Should().BeTrue();
            io.To(room).EmitAsync("e", arguments);
            return arguments;
        });
        io.On("talk-later", async (EventSocket _, JsonArguments arguments) =>
        {
            await Task.Yield();
            string stream = StressMessage.Read(System.Text.Json.JsonElement.Parse(arguments.Utf8.Span)).Stream;
            await io.To([stream]).EmitAsync("e", arguments);
            return arguments;
        });
        for (int i = 0; i < 120; i++)
        {
            StressClient client = crowd.Start(i % 8 == 3 ? Manners.Dawdling : Manners.Steady, isComplete: true);
            crowd.Stayers.Add(client);
            crowd.Sids.Add(await client.Connected);
            await (await crowd.SocketAsync(client)).JoinAsync("most", $"r{i % 4}");
        }

        for (int i = 0; i < 30; i++)
        {
            StressClient client = crowd.Start(Manners.Steady);
            await (await crowd.SocketAsync(client)).JoinAsync("stalled");
            (i < 5 ? crowd.Hopeless : crowd.Stalled).Add(client);
        }

        crowd.Hopeless.ForEach(c => c.Stall());
        for (int i = 0; i < crowd._movers.Length; i++)
        {
            crowd._movers[i] = crowd.Start(i % 2 == 0 ? Manners.Steady : Manners.Dawdling);
            await (await crowd.SocketAsync(crowd._movers[i])).JoinAsync("most");
        }

        for (int i = 0; i < crowd._comers.Length; i++)
        {
            crowd._comers[i] = crowd.Start(Manners.Steady);
            await crowd._comers[i].Connected;
        }

        return crowd;
    }

    /// <summary>Lets something happen to those who are not counted on.</summary>
    public void Disturb(Random random)
    {
        StressClient stalled = Stalled[random.Next(Stalled.Count)];
        if (random.Next(2) == 0)
        {
            stalled.Stall();
        }
        else
        {
            stalled.GoOn();
        }

        StressClient mover = _movers[random.Next(_movers.Length)];
        if (Socket(mover) is { } socket)
        {
            string room = $"r{random.Next(4)}";
            _ = random.Next(2) == 0 ? socket.JoinAsync(room) : socket.LeaveAsync(room);
        }

        if (random.Next(4) == 0)
        {
            Replace(ref _comers[random.Next(_comers.Length)], random);
        }
    }

    public async Task EndAsync()
    {
        Stalled.ForEach(c => c.GoOn());
        foreach (StressClient client in _all)
        {
            client.Leave();
        }

        foreach (StressClient client in _all)
        {
            await client.Running.WaitAsync(Within.Reason);
            client.CheckAbandoned();
        }

        Server.Io.ConnectionCount.Should().Be(0);
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    // One goes, by itself or put out, and one of another kind comes.
    private void Replace(ref StressClient place, Random random)
    {
        Manners manners = random.Next(4) switch
        {
            0 => Manners.Failing,
            1 => Manners.Hanging,
            2 => Manners.Dawdling,
            _ => Manners.Steady,
        };
        StressClient gone = Interlocked.Exchange(ref place, Start(manners));
        if (random.Next(2) == 0)
        {
            gone.Leave();
        }
        else
        {
            Socket(gone)?.DisconnectAsync(close: true);
        }
    }

    private StressClient Start(Manners manners, bool isComplete = false)
    {
        var client = new StressClient(manners, Faults) { IsComplete = isComplete };
        client.Running = Server.Io.RunAsync(client);
        _all.Add(client);
        return client;
    }

    // Who has not read its id yet, or is gone, has none.
    private EventSocket? Socket(StressClient client) =>
        client.ConnectedNow is { } sid ? Server.Io.Root.FindSocket(sid) : null;

    private async Task<EventSocket> SocketAsync(StressClient client) => Server.Io.Root.FindSocket(await client.Connected)!;
}

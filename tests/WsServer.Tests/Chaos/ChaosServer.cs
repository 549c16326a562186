using System.Collections.Concurrent;
using FluentAssertions;
using WsServer.Tests.Support;

namespace WsServer.Tests.Chaos;

/// <summary>
/// A server that notes what it is sent and who leaves, a proxy in front of it, and a bystander that is connected directly
/// and must not notice anything of what the proxy does to others.
/// </summary>
internal sealed class ChaosServer : IAsyncDisposable
{
    /// <summary>The room of everybody.</summary>
    public const string Room = "everybody";

    private readonly ConcurrentDictionary<string, ConcurrentQueue<int>> _received = new();
    private readonly ConcurrentDictionary<string, int> _comings = new();
    private readonly ConcurrentDictionary<string, ConcurrentQueue<DisconnectReason>> _ends = new();
    private int _emitted;

    private ChaosServer()
    {
    }

    public EventServerHost Host { get; private set; } = null!;

    public ChaosProxy Proxy { get; private set; } = null!;

    public EventClient Bystander { get; private set; } = null!;

    /// <summary>Why sockets have ended, by their ids.</summary>
    public IReadOnlyDictionary<string, ConcurrentQueue<DisconnectReason>> Ends => _ends;

    /// <summary>The sockets that have come, whether their clients ever learned of it or not.</summary>
    public IEnumerable<string> Sids => _comings.Keys;

    /// <param name="seed">Decides what is left to chance.</param>
    /// <param name="scripts">The script of each connection of the proxy, by its number.</param>
    /// <param name="options">Sets more options.</param>
    public static async Task<ChaosServer> StartAsync(int seed, Func<int, ChaosScript> scripts, Action<EventServerOptions>? options = null)
    {
        var server = new ChaosServer();
        server.Host = await EventServerHost.StartAsync(
            server.Serve,
            o =>
            {
                o.CloseTimeout = TimeSpan.FromSeconds(1);

                // Short enough to wait for, and long enough for a bystander on a busy machine.
                o.PingInterval = TimeSpan.FromMilliseconds(500);
                o.PingTimeout = TimeSpan.FromSeconds(4);
                options?.Invoke(o);
            },
            endpoints: app => app.MapSocketIO(configure: o => o.ConnectionStateRecovery = true));
        server.Proxy = new ChaosProxy(server.Host.Http, seed, scripts);
        server.Bystander = await EventClient.ConnectAsync(server.Host);
        return server;
    }

    /// <summary>How many numbers everybody was sent.</summary>
    public int Emitted => Volatile.Read(ref _emitted);

    /// <summary>What the server was sent by a socket, in the order in which its handler saw it.</summary>
    public IReadOnlyList<int> ReceivedFrom(string sid) => _received.TryGetValue(sid, out ConcurrentQueue<int>? numbers) ? [.. numbers] : [];

    /// <summary>Emits the next number to everybody.</summary>
    public Task TickAsync() => Host.Io.To(Room).EmitAsync("tick", _emitted++);

    /// <summary>Emits numbers until something is done.</summary>
    public async Task TickUntilAsync(Task done)
    {
        while (!done.IsCompleted)
        {
            await TickAsync();
            await Task.WhenAny(done, Task.Delay(1));
        }

        await done;
    }

    /// <summary>The bystander has everything in order, the server has logged no error, and of all others nothing is left.</summary>
    public async Task BeUnharmedAsync()
    {
        try
        {
            // What the proxy still trickles to the server keeps a connection alive, and on a busy machine that takes long.
            await Within.UntilAsync(() => Host.Io.ConnectionCount == 1, "only the bystander's connection is left", Within.Reason * 4);
        }
        catch (TimeoutException exception)
        {
            bool isThere = Host.Io.Root.FindSocket(Bystander.Sid) is not null;
            throw new TimeoutException($"{exception.Message} There are {Host.Io.ConnectionCount}, the bystander's {(isThere ? "among them" : "not among them")}.", exception);
        }

        await Within.UntilAsync(() => Host.Io.Root.SocketCount == 1, "only the bystander's socket is left");
        (await Bystander.EventsSoFarAsync("tick")).Select(e => e.GetProperty("data").GetInt32()).Should().Equal(Enumerable.Range(0, _emitted));
        Host.Log.Errors.Should().BeEmpty();
        Host.Io.Root.Rooms.Should().BeEquivalentTo(new Dictionary<string, int> { [Room] = 1 }, "who is gone has left its rooms");
        Host.Io.Root.FindSocket(Bystander.Sid)!.Life.Acks.Count.Should().Be(0);
        Host.Io.Namespaces.Should().ContainSingle();

        await Bystander.CloseAsync();
        await Within.UntilAsync(() => Host.Io.ConnectionCount == 0 && Host.Io.Root.SocketCount == 0 && !Host.Io.Root.Rooms.Any(), "nothing is left");
        await Within.UntilAsync(() => _ends.ContainsKey(Bystander.Sid), "the bystander's end is noted");
        _ends.ToDictionary(e => e.Key, e => e.Value.Count).Should().BeEquivalentTo(_comings, "each coming has one end, and one only");
    }

    public async ValueTask DisposeAsync()
    {
        await Bystander.DisposeAsync();
        await Proxy.DisposeAsync();
        await Host.DisposeAsync();
    }

    private void Serve(EventServer io)
    {
        io.OnConnection(socket =>
        {
            _comings.AddOrUpdate(socket.Id, 1, (_, count) => count + 1);
            return socket.Recovered ? Task.CompletedTask : socket.JoinAsync(Room);
        });
        io.OnDisconnect((socket, reason) => _ends.GetOrAdd(socket.Id, _ => []).Enqueue(reason));
        io.On<int, int>("number", (socket, number) =>
        {
            _received.GetOrAdd(socket.Id, _ => []).Enqueue(number);
            return number;
        });

        // Asks back: an ack is owed by a client that may be gone before it has heard the question.
        io.On<int>("ask-me", (socket, number) =>
        {
            _ = AskAsync(socket, number);
            return Task.CompletedTask;
        });
    }

    private static async Task AskAsync(EventSocket socket, int number)
    {
        try
        {
            await socket.EmitAsync<int>("question", number, Within.Reason);
        }
        catch (EventException)
        {
            // It is gone, has answered an error, or does not answer.
        }
    }
}

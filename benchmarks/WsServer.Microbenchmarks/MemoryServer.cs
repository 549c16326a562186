using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace WsServer.Microbenchmarks;

/// <summary>An event server without a network, with clients in memory.</summary>
internal sealed class MemoryServer : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly ConcurrentDictionary<string, EventSocket> _arrived = new(StringComparer.Ordinal);
    private readonly List<MemoryTransport> _clients = [];

    public MemoryServer()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        services.AddLogging();
        services.AddEvents(options =>
        {
            options.MaxConnections = int.MaxValue;

            // One client sends as nobody does. The rates are not off: what they cost is to be in what is measured.
            options.Limits.PerConnection.MessagesPerSecond = 100_000_000;
            options.Limits.PerConnection.MessageBurst = 1_000_000_000;
            options.Limits.PerConnection.BytesPerSecond = options.Limits.PerConnection.ByteBurst = 1L << 40;
        });
        _services = services.BuildServiceProvider();
        Io = _services.GetRequiredService<EventServer>();
        Io.OnConnection(socket => _arrived[socket.Id] = socket);
    }

    public EventServer Io { get; }

    /// <summary>What all the clients have got.</summary>
    public Deliveries Deliveries { get; } = new();

    /// <summary>Connects one client.</summary>
    public (TClient Client, EventSocket Socket) Connect<TClient>(Func<Deliveries, TClient> create)
        where TClient : MemoryTransport
    {
        (TClient[] clients, EventSocket[] sockets) = Connect(1, create);
        return (clients[0], sockets[0]);
    }

    /// <summary>Connects clients and waits until each is told so and has arrived. Which socket is whose is not said.</summary>
    public (MemoryTransport[] Clients, EventSocket[] Sockets) Connect(int count) => Connect(count, deliveries => new MemoryTransport(deliveries));

    /// <summary>The same with clients of another kind.</summary>
    public (TClient[] Clients, EventSocket[] Sockets) Connect<TClient>(int count, Func<Deliveries, TClient> create)
        where TClient : MemoryTransport
    {
        var clients = new TClient[count];
        Deliveries.Expect(count);
        for (int i = 0; i < count; i++)
        {
            TClient client = create(Deliveries);
            client.Running = Io.RunAsync(client);
            clients[i] = client;
        }

        _clients.AddRange(clients);
        Deliveries.Wait();
        Deadline deadline = default;
        while (_arrived.Count < count)
        {
            deadline.Spin("every client arrives");
        }

        EventSocket[] sockets = [.. _arrived.Values];
        _arrived.Clear();
        return (clients, sockets);
    }

    /// <summary>Closes every client and waits until nothing of it runs any more.</summary>
    public async Task DisconnectAsync()
    {
        foreach (MemoryTransport client in _clients)
        {
            client.Close();
        }

        foreach (MemoryTransport client in _clients)
        {
            DisconnectReason reason = await client.Running;
            if (reason != DisconnectReason.TransportClose)
            {
                throw new InvalidOperationException($"A client went for another reason than that it closed: {reason}.");
            }
        }

        _clients.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await DisconnectAsync();
        await _services.DisposeAsync();
        Deliveries.Dispose();
    }
}

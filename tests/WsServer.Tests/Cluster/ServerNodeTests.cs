using System.Text;
using FluentAssertions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using WsServer.Backplane;
using WsServer.Cluster;
using WsServer.Tests.Support;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Cluster;

/// <summary>A node with a backplane that the test plays.</summary>
public sealed class ServerNodeTests : IAsyncDisposable
{
    private const string Other = "otherone";

    private readonly PlayedBackplane _backplane = new();
    private readonly InMemoryServer _server;
    private long _number;

    public ServerNodeTests() => _server = new InMemoryServer(
        o => o.Cluster.StartTimeout = TimeSpan.FromMilliseconds(50),
        more: services =>
        {
            services.AddSingleton<IBackplane>(_backplane);
            services.AddHealthChecks().AddEvents();
        });

    private ServerNode Node => _server.Io.Runtime.Node!;

    [Fact]
    public async Task Messages_of_strangers_and_of_other_versions_are_ignored_and_counted()
    {
        using var ignored = new CountedMetric(_server.Services, "wsserver.backplane.ignored");
        (TransportPair client, _) = await StartAsync();

        _backplane.Say("hello"u8.ToArray());
        _backplane.Say([]);
        _backplane.Say(Encoding.Latin1.GetBytes("WS\u0002otherone"));
        _backplane.Say([.. "WS\u0001otherone"u8, 1, 2, 3]);
        Say(Other, (MessageKind)200, new WireBuffer());
        SayEmit(Other, "news");

        await TestNodes.EventAsync(client, "news");
        ignored.Total.Should().Be(5);
    }

    [Fact]
    public async Task What_comes_twice_is_taken_once()
    {
        (TransportPair client, _) = await StartAsync();
        SayEmit(Other, "a");
        _number--;
        SayEmit(Other, "a again");
        SayEmit(Other, "b");

        await TestNodes.EventAsync(client, "a");
        (await client.ReceiveTextAsync()).Should().Contain("\"b\"");
    }

    [Fact]
    public async Task Its_own_messages_that_come_back_are_not_taken()
    {
        (TransportPair client, _) = await StartAsync();
        SayEmit(Node.Id, "echo");
        SayEmit(Other, "end");

        (await client.ReceiveTextAsync()).Should().Contain("\"end\"");
    }

    [Fact]
    public async Task Without_a_connection_it_serves_its_own_clients_and_says_so()
    {
        await Node.StartAsync(default);
        (TransportPair client, string sid) = await _server.ConnectAsync();

        await _server.Io.Root.FindSocket(sid)!.JoinAsync("room").WaitAsync(Within.Reason);
        await _server.Io.To("room").EmitAsync("news");
        await TestNodes.EventAsync(client, "news");
        (await _server.Io.FetchSocketsAsync().WaitAsync(Within.Reason)).Should().HaveCount(1);

        (await HealthAsync()).Status.Should().Be(HealthStatus.Degraded);
        _backplane.Receiver.Connected(isResumed: false);
        (await HealthAsync()).Status.Should().Be(HealthStatus.Healthy);
        _backplane.Receiver.Disconnected("pulled");
        (await HealthAsync()).Status.Should().Be(HealthStatus.Degraded);
    }

    [Fact]
    public async Task What_is_emitted_without_a_connection_is_held_in_order_within_bounds()
    {
        using var dropped = new CountedMetric(_server.Services, "wsserver.backplane.dropped");
        await Node.StartAsync(default);
        for (int i = 0; i < 100; i++)
        {
            await _server.Io.EmitAsync("n", i);
        }

        _backplane.Receiver.Connected(isResumed: false);

        await Within.UntilAsync(() => _backplane.Emitted().Count == 100, "all have gone");
        _backplane.Emitted().Should().Equal(Enumerable.Range(0, 100).Select(i => $"{i}"));
        dropped.Total.Should().Be(0);
    }

    [Fact]
    public async Task It_is_dropped_and_counted_where_that_is_set()
    {
        using var dropped = new CountedMetric(_server.Services, "wsserver.backplane.dropped");
        _server.Io.Runtime.Options.Cluster.WhenAway = BackplaneAwayPolicy.Drop;
        await Node.StartAsync(default);
        await _server.Io.EmitAsync("n", 1);
        _backplane.Receiver.Connected(isResumed: false);
        await _server.Io.EmitAsync("n", 2);

        await Within.UntilAsync(() => _backplane.Emitted().Count == 1, "the second has gone");
        _backplane.Emitted().Should().Equal("2");
        dropped.Total.Should().Be(1);
    }

    [Fact]
    public async Task A_room_is_subscribed_to_before_a_join_has_ended()
    {
        (_, string sid) = await StartAsync();
        _backplane.Hold = new TaskCompletionSource();

        Task joining = _server.Io.Root.FindSocket(sid)!.JoinAsync("room");
        joining.IsCompleted.Should().BeFalse();
        _backplane.Wanted.Should().Contain(Node.Channels.OfRoom("/", "room"));
        _backplane.Hold.SetResult();

        await joining.WaitAsync(Within.Reason);
    }

    [Fact]
    public async Task It_listens_to_its_namespaces_and_to_rooms_that_somebody_is_in_only()
    {
        (_, string sid) = await StartAsync();
        _server.Io.Of("/chat");

        _backplane.Wanted.Should().BeEquivalentTo(["all", $"node.{Node.Id}", Node.Channels.OfNamespace("/"), Node.Channels.OfNamespace("/chat")]);
        sid.Should().EndWith(Node.Id, "its own channel is enough for its sockets");
    }

    [Fact]
    public async Task A_node_of_another_number_of_shards_is_told_of_as_an_error()
    {
        await StartAsync();
        var heartbeat = new WireBuffer();
        heartbeat.Text("strange");
        heartbeat.Int64(0);
        heartbeat.Number(7);
        heartbeat.Int64(0);
        Say(Other, MessageKind.Heartbeat, heartbeat);

        _server.Errors.Should().ContainSingle(e => e.Contains("strange", StringComparison.Ordinal) && e.Contains("Shards", StringComparison.Ordinal));
        _server.Io.Nodes.Should().ContainSingle(n => n.Name == "strange" && !n.IsSelf);
    }

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private async Task<(TransportPair Client, string Sid)> StartAsync()
    {
        await Node.StartAsync(default);
        _backplane.Receiver.Connected(isResumed: false);
        return await _server.ConnectAsync();
    }

    private async Task<HealthReport> HealthAsync() => await _server.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();

    private void SayEmit(string node, string name)
    {
        var content = new WireBuffer();
        Envelopes.WriteEmit(content, new Audience("/", [], [], false), new Packet(PacketKind.Event) { Event = name });
        Say(node, MessageKind.Emit, content);
    }

    private void Say(string node, MessageKind kind, WireBuffer content)
    {
        using var message = new WireBuffer();
        Envelopes.WriteHeader(message, node);
        Envelopes.WriteRecord(message, ++_number, kind, content.Memory.Span);
        content.Dispose();
        _backplane.Say(message.Memory.ToArray());
    }

    private sealed class PlayedBackplane : IBackplane
    {
        private readonly List<string> _emitted = [];

        public IBackplaneReceiver Receiver { get; private set; } = null!;

        public HashSet<string> Wanted { get; } = [];

        public TaskCompletionSource? Hold { get; set; }

        public void Start(string node, IBackplaneReceiver receiver) => Receiver = receiver;

        public void Say(byte[] message) => Receiver.Received(message);

        public List<string> Emitted()
        {
            lock (_emitted)
            {
                return [.. _emitted];
            }
        }

        public ValueTask PublishAsync(ReadOnlyMemory<byte> message, IReadOnlyList<string> channels)
        {
            Envelopes.ReadHeader(message, out WireReader records);
            while (!records.IsAtEnd)
            {
                (_, MessageKind kind, ReadOnlyMemory<byte> content) = Envelopes.ReadRecord(ref records);
                if (kind == MessageKind.Emit)
                {
                    var reader = new WireReader(content);
                    lock (_emitted)
                    {
                        _emitted.Add(Envelopes.ReadEmit(ref reader).Packet.Arguments.ToString());
                    }
                }
            }

            return default;
        }

        public ValueTask SubscribeAsync(string channel, bool isWanted)
        {
            if (isWanted)
            {
                Wanted.Add(channel);
            }

            return Hold is { } hold ? new ValueTask(hold.Task) : default;
        }

        public ValueTask DisposeAsync() => default;
    }
}

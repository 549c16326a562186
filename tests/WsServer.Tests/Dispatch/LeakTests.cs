using System.Runtime.CompilerServices;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Dispatch;

public class LeakTests
{
    private static readonly TimeSpan Patience = TransportPair.Patience;

    [Fact]
    public async Task Nothing_is_left_of_clients_that_came_and_went_with_rooms_and_pending_acks()
    {
        await using var server = new InMemoryServer();
        var replies = new List<Task<string>>();
        server.Io.Of(name => name.StartsWith("/team-", StringComparison.Ordinal), ns => ns.OnConnection(async socket =>
        {
            await socket.JoinAsync("shared", $"own-{socket.Id}");
            lock (replies)
            {
                replies.Add(socket.EmitAsync<string>("question", TimeSpan.FromHours(1)));
            }
        }));
        await Parallel.ForAsync(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 20 }, async (i, _) =>
        {
            TransportPair client = server.Start($"/team-{i % 7}");
            (await client.ReceiveTextAsync()).Should().StartWith("""{"connected":""");
            (await client.ReceiveTextAsync()).Should().StartWith("""{"event":"question",""");
            client.Send("""{"connect":"/"}""");
            (await client.ReceiveTextAsync()).Should().StartWith("""{"connected":"/",""");
            switch (i % 3)
            {
                case 0:
                    client.Fail(new IOException("Broken."));
                    await client.Running.WaitAsync(Patience, CancellationToken.None);
                    break;
                case 1:
                    client.Fail(new InvalidDataException("Malformed."));
                    await client.Running.WaitAsync(Patience, CancellationToken.None);
                    break;
                default:
                    await InMemoryServer.EndAsync(client);
                    break;
            }

            client.IsDisposed.Should().BeTrue();
        });

        server.Io.ConnectionCount.Should().Be(0);
        server.Io.Root.SocketCount.Should().Be(0);
        await TransportPair.UntilAsync(() => server.Io.Namespaces.Count == 1, "the dynamic namespaces are gone");
        replies.Should().HaveCount(200);
        foreach (Task<string> reply in replies)
        {
            (await reply.Awaiting(r => r.WaitAsync(Patience)).Should().ThrowAsync<EventException>()).Which.Code.Should().Be("not_connected");
        }

        server.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task A_socket_that_is_gone_can_be_collected()
    {
        await using var server = new InMemoryServer();
        server.Io.OnConnection(async socket => await socket.JoinAsync("room"));
        server.Io.On<int, int>("twice", (_, n) => n * 2);
        WeakReference[] gone = await Task.Run(() => ComeAndGoAsync(server));
        await TransportPair.UntilAsync(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return gone.All(g => !g.IsAlive);
            },
            "the sockets are collected");
    }

    [Fact]
    public async Task A_transport_that_throws_when_disposed_leaves_no_socket_behind()
    {
        await using var server = new InMemoryServer();
        (TransportPair client, _) = await server.ConnectAsync(transport: new TransportPair { DisposeFault = new InvalidOperationException("No."), CloseFault = new IOException("Nor this.") });
        (await InMemoryServer.EndAsync(client)).Should().Be(DisconnectReason.TransportClose);
        server.Io.ConnectionCount.Should().Be(0);
        server.Io.Root.SocketCount.Should().Be(0);
    }

    [Fact]
    public async Task A_transport_that_fails_to_send_harms_its_own_client_only()
    {
        await using var server = new InMemoryServer();
        (TransportPair bad, string badSid) = await server.ConnectAsync();
        (TransportPair good, _) = await server.ConnectAsync();
        bad.SendFault = new InvalidOperationException("No.");
        await server.Io.EmitAsync("news", 1);
        (await good.ReceiveTextAsync()).Should().Be("""{"event":"news","data":1}""");
        (await bad.Running.WaitAsync(Patience)).Should().Be(DisconnectReason.TransportError);
        server.Io.Root.FindSocket(badSid).Should().BeNull();
        await InMemoryServer.EndAsync(good);
    }

    [Fact]
    public async Task A_client_that_does_not_read_the_goodbye_is_cut_off_after_the_close_timeout()
    {
        var time = new ManualTime();
        await using var server = new InMemoryServer(o => o.CloseTimeout = TimeSpan.FromSeconds(5), time);
        (TransportPair client, string sid) = await server.ConnectAsync();
        client.StopReading();
        await server.Io.In(sid).DisconnectSocketsAsync();
        TimeSpan passed = TimeSpan.Zero;
        await TransportPair.UntilAsync(
            () =>
            {
                if (!client.IsDisposed)
                {
                    time.Advance(TimeSpan.FromMilliseconds(500));
                    passed += TimeSpan.FromMilliseconds(500);
                }

                return client.IsDisposed;
            },
            "the server gives up");
        passed.Should().BeGreaterThanOrEqualTo(TimeSpan.FromSeconds(5));
        (await client.Running.WaitAsync(Patience)).Should().Be(DisconnectReason.ServerNamespaceDisconnect);
        client.IsGoodbyeSaid.Should().BeFalse();
    }

    [Fact]
    public async Task One_connection_too_many_is_sent_away_and_its_transport_disposed()
    {
        await using var server = new InMemoryServer(o => o.MaxConnections = 1);
        (TransportPair client, _) = await server.ConnectAsync();
        TransportPair second = server.Start();
        (await second.Goodbye).Status.Should().Be(1013);
        await second.Disposed;
        await second.Running.WaitAsync(Patience);
        TransportPair third = server.Start(transport: new TransportPair { CloseFault = new IOException("No.") });
        await third.Running.Awaiting(r => r.WaitAsync(Patience)).Should().ThrowAsync<IOException>();
        third.IsDisposed.Should().BeTrue();
        server.Io.ConnectionCount.Should().Be(1);
        await InMemoryServer.EndAsync(client);
        (TransportPair again, _) = await server.ConnectAsync();
        await InMemoryServer.EndAsync(again);
    }

    [Fact]
    public async Task A_client_of_no_namespace_is_not_run()
    {
        await using var server = new InMemoryServer();
        await server.Io.Awaiting(io => io.RunAsync(new TransportPair(), ns: "/nowhere")).Should().ThrowAsync<ArgumentException>();
        server.Io.ConnectionCount.Should().Be(0);
    }

    [Fact]
    public async Task A_message_that_is_too_large_closes_with_1009()
    {
        await using var server = new InMemoryServer(o => o.MaxMessageBytes = 1_000);
        (TransportPair client, _) = await server.ConnectAsync();
        client.SendTooLarge();
        (await client.Goodbye).Should().Be(new TransportClose(1009, "too_large"));
        client.Drain().Should().ContainSingle().Which.Should().Contain("\"limit\":1000");
        (await client.Running.WaitAsync(Patience)).Should().Be(DisconnectReason.ProtocolError);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference[]> ComeAndGoAsync(InMemoryServer server)
    {
        var sockets = new WeakReference[5];
        for (int i = 0; i < sockets.Length; i++)
        {
            (TransportPair client, string sid) = await server.ConnectAsync();
            sockets[i] = new WeakReference(server.Io.Root.FindSocket(sid));
            client.Send("""{"event":"twice","data":21,"id":1}""");
            (await client.ReceiveTextAsync()).Should().Be("""{"ack":1,"data":42}""");
            await InMemoryServer.EndAsync(client);
        }

        return sockets;
    }
}

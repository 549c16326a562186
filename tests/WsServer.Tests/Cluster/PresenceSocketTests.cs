using FluentAssertions;
using WsServer.Backplane;
using WsServer.Presence;
using WsServer.Tests.SocketIO.Engine;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Cluster;

/// <summary>What presence tells of sockets that are moved, cut off, busy, or of another kind.</summary>
public sealed class PresenceSocketTests
{
    [Fact]
    public async Task Clients_of_Socket_IO_are_present_like_others()
    {
        var exchange = new LocalExchange();
        await using EventServerHost first = await StartAsync(exchange);
        await using EventServerHost second = await StartAsync(exchange);
        using EngineWebSocket client = await EngineWebSocket.ConnectAsync(first.Ws("/socket.io/?EIO=4&transport=websocket"));
        (await client.ReceiveAsync()).Should().StartWith("0{");
        await client.SendAsync("40");
        (await client.ReceiveAsync()).Should().StartWith("40{");
        await using EventClient native = await EventClient.ConnectAsync(second);

        await client.SendAsync("""420["enter","Ann"]""");
        (await client.ReceiveAsync()).Should().StartWith("430[");
        await native.SendAsync("""{"event":"enter","id":1,"data":"Bob"}""");
        await native.AckAsync(1);

        foreach (EventServerHost host in new[] { first, second })
        {
            IReadOnlyList<PresenceEntry> entries = await PresenceTests.UntilAsync(() => host.Io.In("room").PresenceAsync(), e => e.Count == 2);
            entries.Select(e => e.Get<string>()).Should().Equal("Ann", "Bob");
        }
    }

    [Fact]
    public async Task A_client_that_is_cut_off_leaves_and_joins_again_with_its_metadata()
    {
        var book = new PresenceBook();
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.OnPresence(book.Note));
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);
        EventSocket socket = host.Io.Root.FindSocket(client.Sid)!;
        await socket.SetPresenceAsync("Ann");
        await socket.JoinAsync("room");

        await client.CutAsync();
        await Within.UntilAsync(() => book.There.Count == 0 && book.Told.Count == 2, "it has left");
        await client.ComeBackAsync();

        await Within.UntilAsync(() => book.Told.Count == 3, "it has joined again");
        book.Told.Should().Equal($"Joined room {client.Sid}", $"Left room {client.Sid}", $"Joined room {client.Sid}");
        (await host.Io.In("room").PresenceAsync()).Single().Get<string>().Should().Be("Ann");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_socket_that_moves_to_another_node_is_there_once_whoever_is_heard_first(bool isComingFirst)
    {
        var book = new PresenceBook();
        await using var server = new InMemoryServer();
        server.Io.OnPresence(book.Note);
        ServerPresence presence = server.Io.Runtime.Presence;
        var left = new PresenceState(presence.Views);
        var reached = new PresenceState(presence.Views);
        PresenceMember before = Member("node one", 1);
        PresenceMember after = Member("node two", 2);

        lock (presence.Gate)
        {
            left.Enter(before);
            if (isComingFirst)
            {
                reached.Enter(after);
                left.Describe(before, "\"late\""u8.ToArray());
                left.Exit(before);
            }
            else
            {
                left.Exit(before);
                reached.Enter(after);
            }
        }

        (await server.Io.In("room").PresenceAsync()).Should().ContainSingle().Which.Node.Should().Be("node two");
        lock (presence.Gate)
        {
            reached.Clear();
        }

        string[] told = isComingFirst ? ["Joined room sid", "Updated room sid", "Left room sid"]
            : ["Joined room sid", "Left room sid", "Joined room sid", "Left room sid"];
        await TransportPair.UntilAsync(() => book.Told.Count == told.Length, "all is told");
        book.Told.Should().Equal(told);
        (await server.Io.PresenceAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task A_socket_that_many_threads_use_at_once_is_known_as_it_is_in_the_end()
    {
        var books = new List<PresenceBook>();
        await using TestNodes nodes = await TestNodes.StartAsync(2, io =>
        {
            books.Add(new PresenceBook());
            io.OnPresence(books[^1].Note);
        });
        (TransportPair client, string sid) = await nodes[0].ConnectAsync();
        EventSocket socket = nodes[0].Io.Root.FindSocket(sid)!;

        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(async () =>
        {
            var random = new Random(thread);
            for (int i = 0; i < 1000; i++)
            {
                string room = $"room {random.Next(3)}";
                await (random.Next(3) switch
                {
                    0 => socket.JoinAsync(room),
                    1 => socket.LeaveAsync(room),
                    _ => socket.SetPresenceAsync(i),
                });
            }
        })));
        await socket.SetPresenceAsync("end");
        await socket.JoinAsync("last");

        string[] truth = [.. socket.Rooms.Skip(1).Select(room => $"{room} {sid} \"end\"").Order(StringComparer.Ordinal)];
        foreach (PresenceBook book in books)
        {
            await TransportPair.UntilAsync(() => book.There.SequenceEqual(truth), "the books are right");
            book.Wrong.Should().BeEmpty();
        }

        await InMemoryServer.EndAsync(client);
        await TransportPair.UntilAsync(() => books.TrueForAll(b => b.There.Count == 0), "it has left");
    }

    private static PresenceMember Member(string node, long at)
    {
        var member = new PresenceMember(node, "/", "sid", at);
        member.Join("room", at);
        return member;
    }

    private static Task<EventServerHost> StartAsync(LocalExchange exchange) => EventServerHost.StartAsync(
        io =>
        {
            io.UsePresence();
            io.On<string>("enter", async (socket, name) =>
            {
                await socket.SetPresenceAsync(name);
                await socket.JoinAsync("room");
            });
        },
        services: builder => builder.Services.AddSingleton<IBackplane>(new LocalBackplane(exchange)),
        endpoints: app => app.MapSocketIO());
}

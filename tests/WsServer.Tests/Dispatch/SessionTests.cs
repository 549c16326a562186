using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Dispatch;

public class SessionTests
{
    private static readonly TimeSpan Patience = TransportPair.Patience;
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_connection_in_no_namespace_is_closed_after_the_connect_timeout()
    {
        var time = new ManualTime();
        await using var server = new InMemoryServer(time: time);
        (TransportPair client, _) = await server.ConnectAsync();
        time.Advance(TimeSpan.FromHours(1));
        client.Send("""{"disconnect":"/"}""");
        (await client.ReceiveTextAsync()).Should().Be("""{"disconnect":"/","reason":"client namespace disconnect"}""");
        (await AdvanceUntilGoodbyeAsync(time, client)).Should().BeGreaterThanOrEqualTo(TimeSpan.FromSeconds(45));
        (await client.Goodbye).Should().Be(new TransportClose(1008, "timeout"));
        client.Drain().Should().ContainSingle().Which.Should().Contain("\"code\":\"timeout\"");
        (await client.Running.WaitAsync(Patience)).Should().Be(DisconnectReason.ServerNamespaceDisconnect);
    }

    [Fact]
    public async Task A_namespace_that_lets_nobody_in_and_nobody_out_does_not_stop_the_connect_timeout()
    {
        var time = new ManualTime();
        await using var server = new InMemoryServer(time: time);
        var admitting = new TaskCompletionSource();
        server.Io.Of("/slow").Use(async (socket, _) =>
        {
            admitting.SetResult();
            await Task.Delay(Timeout.Infinite, socket.ConnectionAborted);
        });
        (TransportPair client, _) = await server.ConnectAsync();
        client.Send("""{"connect":"/slow"}""");
        await admitting.Task.WaitAsync(Patience);
        client.Send("""{"disconnect":"/"}""");
        (await client.ReceiveTextAsync()).Should().StartWith("""{"disconnect":"/",""");
        await AdvanceUntilGoodbyeAsync(time, client);
        (await client.Goodbye).Description.Should().Be("timeout");
        await client.Running.WaitAsync(Patience);
    }

    [Fact]
    public async Task Being_turned_away_again_and_again_does_not_lengthen_the_connect_timeout()
    {
        var time = new ManualTime();
        await using var server = new InMemoryServer(time: time);
        server.Io.Of("/closed").Use((_, _) => Task.CompletedTask);
        (TransportPair client, _) = await server.ConnectAsync();
        client.Send("""{"disconnect":"/"}""");
        await client.ReceiveTextAsync();
        for (int i = 0; i < 10 && !client.IsGoodbyeSaid; i++)
        {
            client.Send("""{"connect":"/closed"}""");
            (await client.ReceiveTextAsync()).Should().Match(t => t.Contains("forbidden") || t.Contains("timeout"));
            time.Advance(TimeSpan.FromSeconds(10));
        }

        (await client.Goodbye).Description.Should().Be("timeout");
        await client.Running.WaitAsync(Patience);
    }

    [Fact]
    public async Task Joining_in_time_stops_the_connect_timeout()
    {
        var time = new ManualTime();
        await using var server = new InMemoryServer(time: time);
        (TransportPair client, _) = await server.ConnectAsync();
        client.Send("""{"disconnect":"/"}""");
        await client.ReceiveTextAsync();
        client.Send("""{"connect":"/"}""");
        (await client.ReceiveTextAsync()).Should().StartWith("""{"connected":"/",""");
        await TransportPair.UntilAsync(() => server.Io.Root.SocketCount == 1, "the socket is in");
        time.Advance(TimeSpan.FromHours(1));
        client.Send("""{"ping":1}""");
        (await client.ReceiveTextAsync()).Should().Be("""{"pong":1}""");
        await InMemoryServer.EndAsync(client);
    }

    [Fact]
    public async Task Closing_the_connection_of_a_socket_that_has_left_closes_it()
    {
        await using var server = new InMemoryServer();
        server.Io.OnDisconnect(async (socket, _) => await socket.DisconnectAsync(close: true));
        (TransportPair client, _) = await server.ConnectAsync();
        client.Send("""{"disconnect":"/"}""");
        (await client.Goodbye).Status.Should().Be(1000);
        (await client.Running.WaitAsync(Patience)).Should().Be(DisconnectReason.ServerNamespaceDisconnect);
    }

    [Fact]
    public async Task Putting_a_socket_out_with_its_connection_ends_every_namespace_of_it()
    {
        await using var server = new InMemoryServer();
        server.Io.Of("/b");
        (TransportPair client, string sid) = await server.ConnectAsync();
        client.Send("""{"connect":"/b"}""");
        await client.ReceiveTextAsync();
        await TransportPair.UntilAsync(() => server.Io.Of("/b").SocketCount == 1, "the second socket is in");
        await server.Io.In(sid).DisconnectSocketsAsync(close: true);
        (await client.Goodbye).Status.Should().Be(1000);
        client.Drain().Should().BeEquivalentTo("""{"disconnect":"/","reason":"server namespace disconnect"}""", """{"disconnect":"/b","reason":"server namespace disconnect"}""");
        await client.Running.WaitAsync(Patience);
        server.Io.Of("/b").SocketCount.Should().Be(0);
    }

    [Fact]
    public async Task A_fault_in_the_setup_of_a_namespace_is_answered_and_leaves_no_half_of_it()
    {
        await using var server = new InMemoryServer();
        bool isBroken = true;
        server.Io.Of(name => name.StartsWith("/team-", StringComparison.Ordinal), ns =>
        {
            if (isBroken)
            {
                throw new InvalidOperationException("No set-up.");
            }

            ns.Use((_, _) => throw new EventException("unauthorized", "Who are you?"));
        });
        (TransportPair client, _) = await server.ConnectAsync();
        client.Send("""{"connect":"/team-a"}""");
        (await client.ReceiveTextAsync()).Should().Be("""{"connect_error":"/team-a","error":{"code":"internal_error","message":"The server failed."}}""");
        server.Io.Namespaces.Should().ContainSingle();
        server.Errors.Should().ContainSingle().Which.Should().Contain("/team-a").And.Contain("No set-up.");

        isBroken = false;
        client.Send("""{"connect":"/team-a"}""");
        (await client.ReceiveTextAsync()).Should().Contain("unauthorized", "the middleware is there now");
        await InMemoryServer.EndAsync(client);
    }

    [Fact]
    public async Task An_ack_that_does_not_come_in_time_is_given_up_and_ignored_when_it_comes_late()
    {
        var time = new ManualTime();
        await using var server = new InMemoryServer(time: time);
        (TransportPair client, string sid) = await server.ConnectAsync();
        EventSocket socket = server.Io.Root.FindSocket(sid)!;
        Task<string> reply = socket.EmitAsync<string>("hello", "world", TimeSpan.FromSeconds(5));
        (await client.ReceiveTextAsync()).Should().Be("""{"event":"hello","data":"world","id":1}""");
        socket.Life.Acks.Count.Should().Be(1);

        time.Advance(TimeSpan.FromSeconds(5) - TimeSpan.FromTicks(1));
        reply.IsCompleted.Should().BeFalse();
        time.Advance(TimeSpan.FromTicks(1));
        (await reply.Awaiting(r => r.WaitAsync(Patience)).Should().ThrowAsync<EventException>()).Which.Code.Should().Be("timeout");
        socket.Life.Acks.Count.Should().Be(0);

        client.Send("""{"ack":1,"data":"late"}""");
        client.Send("""{"ping":1}""");
        (await client.ReceiveTextAsync()).Should().Be("""{"pong":1}""");
        await InMemoryServer.EndAsync(client);
    }

    [Fact]
    public async Task An_ack_that_is_owed_when_the_client_goes_fails_at_once()
    {
        await using var server = new InMemoryServer();
        (TransportPair client, string sid) = await server.ConnectAsync();
        Task<string> reply = server.Io.Root.FindSocket(sid)!.EmitAsync<string>("hello", TimeSpan.FromHours(1));
        Task<BroadcastAcks<string>> replies = server.Io.Timeout(TimeSpan.FromHours(1)).EmitWithAcksAsync<string>("hello");
        await InMemoryServer.EndAsync(client);
        (await reply.Awaiting(r => r.WaitAsync(Patience)).Should().ThrowAsync<EventException>()).Which.Code.Should().Be("not_connected");
        (await replies.WaitAsync(Patience)).Left.Should().Equal(sid);
    }

    private static async Task<TimeSpan> AdvanceUntilGoodbyeAsync(ManualTime time, TransportPair client)
    {
        TimeSpan passed = TimeSpan.Zero;
        await TransportPair.UntilAsync(
            () =>
            {
                if (!client.IsGoodbyeSaid)
                {
                    time.Advance(Step);
                    passed += Step;
                }

                return client.IsGoodbyeSaid;
            },
            "the server says goodbye");
        return passed;
    }
}

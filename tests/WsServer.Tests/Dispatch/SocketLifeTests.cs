using System.Text.Json.Nodes;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Dispatch;

public class SocketLifeTests
{
    private static readonly TimeSpan Patience = TransportPair.Patience;

    [Fact]
    public async Task A_handler_that_runs_on_after_its_socket_is_gone_is_waited_for_no_longer_than_the_grace_period()
    {
        await using var server = new InMemoryServer();
        var hung = new TaskCompletionSource();
        var late = new TaskCompletionSource<IReadOnlyList<string>>();
        var gone = new TaskCompletionSource<DisconnectReason>();
        server.Io.OnDisconnect((_, reason) => gone.SetResult(reason));
        server.Io.On("hang", async socket =>
        {
            await socket.JoinAsync("before");
            await hung.Task;
            await socket.JoinAsync("after");
            late.SetResult(socket.Rooms);
        });
        (TransportPair client, _) = await server.ConnectAsync();
        client.Send("""{"event":"hang"}""");
        await TransportPair.UntilAsync(() => server.Io.Root.Rooms.Any(), "the handler runs");

        (await InMemoryServer.EndAsync(client)).Should().Be(DisconnectReason.TransportClose);

        (await gone.Task.WaitAsync(Patience)).Should().Be(DisconnectReason.TransportClose);
        server.Io.Root.Rooms.Should().BeEmpty();
        server.Io.Root.SocketCount.Should().Be(0);
        hung.SetResult();
        (await late.Task.WaitAsync(Patience)).Should().BeEmpty();
        server.Io.Root.Rooms.Should().BeEmpty("a join that comes late finds the door shut");
    }

    [Fact]
    public async Task A_handler_that_heeds_the_token_ends_with_its_socket_and_without_an_error()
    {
        await using var server = new InMemoryServer(o => o.HandlerGracePeriod = TimeSpan.FromSeconds(60));
        var started = new TaskCompletionSource();
        server.Io.On<int>("wait", async (_, _, cancellationToken) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
        });
        (TransportPair client, _) = await server.ConnectAsync();
        client.Send("""{"event":"wait","data":1,"id":1}""");
        await started.Task.WaitAsync(Patience);
        await InMemoryServer.EndAsync(client);
        server.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task Leaving_and_joining_again_in_one_breath_happen_in_order()
    {
        await using var server = new InMemoryServer();
        var story = new List<string>();
        var release = new TaskCompletionSource();
        server.Io.OnConnection(socket => Tell($"connected {socket.Id}"));
        server.Io.OnDisconnect((socket, reason) => Tell($"gone {socket.Id} {reason}"));
        server.Io.On("slow", async socket =>
        {
            await release.Task;
            Tell($"slow {socket.Id}");
        });
        server.Io.On("quick", socket => Tell($"quick {socket.Id}"));
        (TransportPair client, string first) = await server.ConnectAsync();

        client.Send("""{"event":"slow","id":1}""");
        client.Send("""{"disconnect":"/"}""");
        client.Send("""{"connect":"/"}""");
        client.Send("""{"event":"quick","id":1}""");
        release.SetResult();

        (await client.ReceiveTextAsync()).Should().Be("""{"ack":1}""");
        (await client.ReceiveTextAsync()).Should().Be("""{"disconnect":"/","reason":"client namespace disconnect"}""");
        string second = (string)JsonNode.Parse(await client.ReceiveTextAsync())!["sid"]!;
        (await client.ReceiveTextAsync()).Should().Be("""{"ack":1}""");
        second.Should().NotBe(first);
        lock (story)
        {
            story.Should().Equal(
                $"connected {first}", $"slow {first}", $"gone {first} ClientNamespaceDisconnect", $"connected {second}", $"quick {second}");
        }

        await InMemoryServer.EndAsync(client);

        void Tell(string what)
        {
            lock (story)
            {
                story.Add(what);
            }
        }
    }

    [Fact]
    public async Task A_socket_that_is_leaving_behind_its_successor_ends_with_the_connection()
    {
        await using var server = new InMemoryServer();
        var started = new TaskCompletionSource();
        server.Io.On<int>("wait", async (_, _, cancellationToken) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
        });
        (TransportPair client, _) = await server.ConnectAsync();
        client.Send("""{"event":"wait","data":1}""");
        await started.Task.WaitAsync(Patience);
        client.Send("""{"disconnect":"/"}""");
        client.Send("""{"connect":"/"}""");

        await InMemoryServer.EndAsync(client);

        server.Io.ConnectionCount.Should().Be(0);
        server.Io.Root.SocketCount.Should().Be(0);
    }

    [Fact]
    public async Task A_socket_whose_connection_closes_while_it_joins_never_is_in()
    {
        await using var server = new InMemoryServer();
        var admitting = new TaskCompletionSource<EventSocket>();
        var release = new TaskCompletionSource();
        int connected = 0;
        int gone = 0;
        server.Io.Use(async (socket, next) =>
        {
            await socket.JoinAsync("early");
            admitting.SetResult(socket);
            await release.Task;
            await next();
        });
        server.Io.OnConnection(_ => Interlocked.Increment(ref connected));
        server.Io.OnDisconnect((_, _) => Interlocked.Increment(ref gone));
        TransportPair client = server.Start();
        EventSocket socket = await admitting.Task.WaitAsync(Patience);

        client.Close();
        await TransportPair.UntilAsync(() => socket.ConnectionAborted.IsCancellationRequested, "the socket has ended");
        release.SetResult();
        await client.Running.WaitAsync(Patience);

        connected.Should().Be(0);
        gone.Should().Be(0, "who was never in does not leave");
        socket.Connected.Should().BeFalse();
        server.Io.Root.SocketCount.Should().Be(0);
        server.Io.Root.Rooms.Should().BeEmpty();
        server.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task Admission_that_heeds_the_token_ends_with_the_connection_and_without_an_error()
    {
        await using var server = new InMemoryServer(o => o.HandlerGracePeriod = TimeSpan.FromSeconds(60));
        var admitting = new TaskCompletionSource();
        server.Io.Use(async (socket, _) =>
        {
            admitting.SetResult();
            await Task.Delay(Timeout.Infinite, socket.ConnectionAborted);
        });
        TransportPair client = server.Start();
        await admitting.Task.WaitAsync(Patience);
        await InMemoryServer.EndAsync(client);
        server.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task A_socket_that_middleware_puts_out_is_told_that_it_is_not_let_in()
    {
        await using var server = new InMemoryServer();
        server.Io.Of("/closed").Use(async (socket, next) =>
        {
            await socket.DisconnectAsync();
            await next();
        });
        (TransportPair client, _) = await server.ConnectAsync();
        client.Send("""{"connect":"/closed"}""");
        (await client.ReceiveTextAsync()).Should().StartWith("""{"connect_error":"/closed","error":{"code":"forbidden",""");
        client.Send("""{"ping":1}""");
        (await client.ReceiveTextAsync()).Should().Be("""{"pong":1}""");
        await InMemoryServer.EndAsync(client);
    }

    [Fact]
    public async Task An_error_whose_details_are_no_json_is_answered_all_the_same_and_the_socket_lives_on()
    {
        await using var server = new InMemoryServer();
        server.Io.On("bad", (EventSocket _) => Throw());
        server.Io.Of("/bad").Use((_, _) => throw new EventException("bad_luck", "Bad luck.", new JsonObject { ["x"] = double.NaN }));
        (TransportPair client, _) = await server.ConnectAsync();
        for (int id = 1; id <= 2; id++)
        {
            client.Send($$"""{"event":"bad","id":{{id}}}""");
            (await client.ReceiveTextAsync()).Should().Be($$$"""{"ack":{{{id}}},"error":{"code":"internal_error","message":"The server failed."}}""");
        }

        client.Send("""{"connect":"/bad"}""");
        (await client.ReceiveTextAsync()).Should().Be("""{"connect_error":"/bad","error":{"code":"internal_error","message":"The server failed."}}""");
        await InMemoryServer.EndAsync(client);
        server.Errors.Should().HaveCount(3);

        static void Throw() => throw new EventException("bad_luck", "Bad luck.", new JsonObject { ["x"] = double.NaN });
    }

    [Fact]
    public async Task The_token_of_a_socket_that_is_gone_is_cancelled_also_when_first_asked_for_then()
    {
        await using var server = new InMemoryServer();
        EventSocket? kept = null;
        server.Io.OnConnection(socket => { kept = socket; });
        (TransportPair client, _) = await server.ConnectAsync();
        await InMemoryServer.EndAsync(client);
        kept!.ConnectionAborted.IsCancellationRequested.Should().BeTrue();
        kept.Connected.Should().BeFalse();
        kept.Rooms.Should().BeEmpty();
    }
}

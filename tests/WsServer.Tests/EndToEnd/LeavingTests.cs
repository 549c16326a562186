using System.Collections.Concurrent;
using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class LeavingTests
{
    private sealed class Tracked : IAsyncDisposable
    {
        public static ConcurrentQueue<Tracked> All { get; } = [];

        public Tracked() => All.Enqueue(this);

        public bool IsDisposed { get; private set; }

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return ValueTask.CompletedTask;
        }
    }

    private sealed class State
    {
        public int Count { get; set; }
    }

    [Fact]
    public async Task A_client_that_leaves_is_told_and_its_earlier_events_are_handled_first()
    {
        var order = new ConcurrentQueue<string>();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.On("slow", async _ =>
            {
                await Task.Yield();
                order.Enqueue("handled");
            });
            io.OnDisconnect((_, reason) => order.Enqueue(reason.ToString()));
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"event":"slow","id":1}""");
        await client.SendAsync("""{"disconnect":"/"}""");

        (await client.NextAsync()).GetRawText().Should().Be("""{"ack":1}""");
        (await client.NextAsync()).GetRawText().Should().Be("""{"disconnect":"/","reason":"client namespace disconnect"}""");
        await Within.UntilAsync(() => order.Count == 2, "the disconnect");
        order.Should().Equal("handled", "ClientNamespaceDisconnect");
        await client.SyncAsync();
    }

    [Fact]
    public async Task A_socket_that_the_server_puts_out_is_told_and_with_the_last_the_connection_is_closed()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.On("out", async socket =>
            {
                await socket.EmitAsync("last words");
                await socket.DisconnectAsync();
            });
            io.Of("/news").On("out", socket => socket.DisconnectAsync());
        });
        await using EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync("""{"connect":"/news"}""");
        await client.ExpectAsync("connected");

        await client.SendAsync("""{"event":"out"}""");
        (await client.NextAsync()).GetRawText().Should().Be("""{"event":"last words"}""");
        (await client.NextAsync()).GetRawText().Should().Be("""{"disconnect":"/","reason":"server namespace disconnect"}""");
        await client.SyncAsync();
        await client.SendAsync("""{"event":"out","ns":"/news"}""");

        (await client.NextAsync()).GetRawText().Should().Be("""{"disconnect":"/news","reason":"server namespace disconnect"}""");
        (await client.ClosedAsync()).Should().Be(1000);
    }

    [Fact]
    public async Task Disconnecting_with_close_ends_all_namespaces_of_the_connection()
    {
        var reasons = new ConcurrentQueue<DisconnectReason>();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.OnDisconnect((_, reason) => reasons.Enqueue(reason));
            io.Of("/news").OnDisconnect((_, reason) => reasons.Enqueue(reason));
        });
        await using EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync("""{"connect":"/news"}""");
        await client.ExpectAsync("connected");

        await host.Io.Root.FindSocket(client.Sid)!.DisconnectAsync(close: true);

        await client.ExpectAsync("disconnect");
        await client.ExpectAsync("disconnect");
        (await client.ClosedAsync()).Should().Be(1000);
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
        reasons.Should().Equal(DisconnectReason.ServerNamespaceDisconnect, DisconnectReason.ServerNamespaceDisconnect);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_connection_that_ends_tells_every_socket_why(bool isBroken)
    {
        var reasons = new ConcurrentQueue<DisconnectReason>();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.OnDisconnect((_, reason) => reasons.Enqueue(reason));
            io.Of("/news").OnDisconnect((_, reason) => reasons.Enqueue(reason));
        });
        await using EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync("""{"connect":"/news"}""");
        await client.WelcomedAsync();

        if (isBroken)
        {
            client.Abort();
        }
        else
        {
            await client.CloseAsync();
        }

        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
        reasons.Should().HaveCount(2).And.OnlyContain(
            r => r == DisconnectReason.TransportClose || (isBroken && r == DisconnectReason.TransportError));
    }

    [Fact]
    public async Task OnDisconnecting_still_sees_the_rooms_and_OnDisconnect_no_more()
    {
        string? before = null, after = null;
        int othersBefore = -1;
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.OnConnection(socket => socket.JoinAsync("a", "b"));
            io.OnDisconnecting(async (socket, _) =>
            {
                before = string.Join(",", socket.Rooms.Skip(1).Order());
                othersBefore = await io.In("a").CountAsync();
            });
            io.OnDisconnect((socket, _) => after = string.Join(",", socket.Rooms) + io.Root.SocketCount);
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.CloseAsync();

        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
        before.Should().Be("a,b");
        othersBefore.Should().Be(1);
        after.Should().Be("0");
    }

    [Fact]
    public async Task A_fault_in_one_disconnect_handler_is_logged_and_the_others_run()
    {
        int calls = 0;
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.OnConnection(_ => throw new InvalidOperationException("connection"));
            io.OnDisconnecting((_, _) => throw new InvalidOperationException("disconnecting"));
            io.OnDisconnect((_, _) => throw new InvalidOperationException("disconnect"));
            io.OnDisconnect((_, _) => calls++);
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.CloseAsync();

        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
        calls.Should().Be(1);
        host.Log.Errors.Select(e => e.Exception!.Message).Should().Equal("connection", "disconnecting", "disconnect");
    }

    [Fact]
    public async Task A_running_handler_is_cancelled_and_waited_for_and_is_no_error()
    {
        var entered = new TaskCompletionSource();
        var order = new ConcurrentQueue<string>();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.On("long", async (EventSocket _, JsonElement _, CancellationToken cancelled) =>
            {
                entered.SetResult();
                try
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, cancelled);
                }
                finally
                {
                    order.Enqueue("handler");
                }
            });
            io.OnDisconnect((socket, _) => order.Enqueue($"disconnect {socket.Connected}"));
        });
        await using EventClient client = await EventClient.ConnectAsync(host);
        await client.SendAsync("""{"event":"long","data":1}""");
        await Within.TimeAsync(entered.Task, "the handler");

        client.Abort();

        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
        order.Should().Equal("handler", "disconnect False");
        host.Log.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task A_handler_that_never_ends_does_not_keep_the_connection()
    {
        var never = new TaskCompletionSource();
        var entered = new TaskCompletionSource();
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.On("stuck", async _ =>
            {
                entered.TrySetResult();
                await never.Task;
            }),
            o => o.HandlerGracePeriod = TimeSpan.FromMilliseconds(100));
        await using EventClient client = await EventClient.ConnectAsync(host);
        for (int i = 0; i < 300; i++)
        {
            await client.SendAsync("""{"event":"stuck"}""");
        }

        await Within.TimeAsync(entered.Task, "the handler");
        await host.Io.DisconnectSocketsAsync();

        (await client.ClosedAsync()).Should().Be(1000);
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
        host.Log.Entries.Should().Contain(e => e.Message.Contains("handlers still run"));
        never.SetResult();
    }

    [Fact]
    public async Task After_it_is_put_out_waiting_events_of_a_socket_are_not_handled()
    {
        var go = new TaskCompletionSource();
        int calls = 0;
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("x", async _ =>
        {
            Interlocked.Increment(ref calls);
            await go.Task;
        }));
        await using EventClient client = await EventClient.ConnectAsync(host);
        for (int i = 0; i < 10; i++)
        {
            await client.SendAsync("""{"event":"x"}""");
        }

        await client.SyncAsync();
        await Within.UntilAsync(() => Volatile.Read(ref calls) == 1, "the first is handled");
        await host.Io.DisconnectSocketsAsync();
        go.SetResult();

        await client.ClosedAsync();
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
        calls.Should().Be(1);
    }

    [Fact]
    public async Task The_services_of_a_socket_live_as_long_as_it_does()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.On("touch", (EventSocket socket) =>
            {
                Tracked first = socket.Services.GetRequiredService<Tracked>();
                return ReferenceEquals(first, socket.Services.GetRequiredService<Tracked>()) && !first.IsDisposed;
            }),
            services: builder => builder.Services.AddScoped<Tracked>());
        await using EventClient client = await EventClient.ConnectAsync(host);
        await using EventClient other = await EventClient.ConnectAsync(host);

        (await client.AskAsync("touch")).GetProperty("data").GetBoolean().Should().BeTrue();
        (await client.AskAsync("touch")).GetProperty("data").GetBoolean().Should().BeTrue();
        (await other.AskAsync("touch")).GetProperty("data").GetBoolean().Should().BeTrue();
        await client.CloseAsync();
        await Within.UntilAsync(() => host.Io.ConnectionCount == 1, "the connection is gone");

        Tracked.All.Should().HaveCount(2);
        Tracked.All.First().IsDisposed.Should().BeTrue();
        Tracked.All.Last().IsDisposed.Should().BeFalse();
    }

    [Fact]
    public async Task Items_and_state_stay_with_the_socket()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("count", socket =>
        {
            socket.Items["last"] = socket.Get<State>().Count;
            return $"{++socket.Get<State>().Count} {socket.Items["last"]}";
        }));
        await using EventClient a = await EventClient.ConnectAsync(host);
        await using EventClient b = await EventClient.ConnectAsync(host);

        (await a.AskAsync("count")).GetProperty("data").GetString().Should().Be("1 0");
        (await a.AskAsync("count")).GetProperty("data").GetString().Should().Be("2 1");
        (await b.AskAsync("count")).GetProperty("data").GetString().Should().Be("1 0");
    }
}

using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Connections;

/// <summary>Messages that come together, from the client that sends them to those whom they reach.</summary>
public class BatchTests
{
    [Fact]
    public async Task What_it_brings_leaves_in_one_send_for_each_receiver()
    {
        await using Scene scene = await Scene.StartAsync();
        int[] before = scene.SendCalls();
        scene.Sender.SendTogether(Relays(0, 10));
        await scene.ReceiveAsync(News(0, 10));
        scene.SendCalls().Should().Equal(before.Select(n => n + 1));
    }

    [Fact]
    public async Task Its_answers_leave_in_one_send()
    {
        await using Scene scene = await Scene.StartAsync();
        int before = scene.Sender.SendCalls;
        scene.Sender.SendTogether(Enumerable.Range(1, 20).Select(id => $$"""{"event":"relay","data":1,"id":{{id}}}""").Append("""{"ping":"end"}"""));
        for (int id = 1; id <= 20; id++)
        {
            (await scene.Sender.ReceiveTextAsync()).Should().Be($$"""{"ack":{{id}}}""");
        }

        (await scene.Sender.ReceiveTextAsync()).Should().Be("""{"pong":"end"}""");
        scene.Sender.SendCalls.Should().Be(before + 1);
    }

    [Fact]
    public async Task More_than_64_messages_leave_in_several_sends_and_in_order()
    {
        await using Scene scene = await Scene.StartAsync();
        int[] before = scene.SendCalls();
        scene.Sender.SendTogether(Relays(0, 200));
        await scene.ReceiveAsync(News(0, 200));
        scene.SendCalls().Should().Equal(before.Select(n => n + 4), "after each 64 messages what they brought leaves");
    }

    [Fact]
    public async Task What_a_handler_posted_before_it_awaits_leaves_with_the_batch_and_the_rest_when_it_goes_on()
    {
        await using Scene scene = await Scene.StartAsync();
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task pause = Task.CompletedTask;
        scene.Io.On("pause", async (EventSocket _, int n) =>
        {
            await scene.Io.To("receivers").EmitAsync("news", n);
            await pause;
            await scene.Io.To("receivers").EmitAsync("news", n + 1);
        });
        await scene.ProveQuickAsync("pause", "0");
        scene.DrainReceivers();
        pause = release.Task;

        scene.Sender.SendTogether([.. Relays(0, 2), """{"event":"pause","data":2}""", .. Relays(4, 2)]);
        await scene.ReceiveAsync(News(0, 3));
        release.SetResult();
        await scene.ReceiveAsync(News(3, 3));
    }

    [Fact]
    public async Task A_handler_that_throws_keeps_nothing_back()
    {
        await using Scene scene = await Scene.StartAsync();
        scene.Io.On("fail", (EventSocket _, bool isReal) =>
        {
            if (isReal)
            {
                scene.Io.To("receivers").EmitAsync("news", 2);
                throw new InvalidOperationException("The handler's fault.");
            }
        });
        await scene.ProveQuickAsync("fail", "false");
        int[] before = scene.SendCalls();

        scene.Sender.SendTogether([.. Relays(0, 2), """{"event":"fail","data":true,"id":"f"}""", .. Relays(3, 2)]);
        await scene.ReceiveAsync(News(0, 5));
        scene.SendCalls().Should().Equal(before.Select(n => n + 1));
        (await scene.Sender.ReceiveTextAsync()).Should().StartWith("""{"ack":"f","error":{"code":"internal_error",""");
        scene.Server.Errors.Should().ContainSingle().Which.Should().Contain("The handler's fault.");
    }

    [Fact]
    public async Task A_message_that_is_not_understood_is_answered_in_its_place()
    {
        await using Scene scene = await Scene.StartAsync();
        int before = scene.Sender.SendCalls;
        scene.Sender.SendTogether("""{"event":"relay","data":0,"id":1}""", "{", """{"event":"relay","data":1,"id":2}""");
        await scene.ReceiveAsync(News(0, 2));
        (await scene.Sender.ReceiveTextAsync()).Should().Be("""{"ack":1}""");
        (await scene.Sender.ReceiveTextAsync()).Should().Contain("invalid_json");
        (await scene.Sender.ReceiveTextAsync()).Should().Be("""{"ack":2}""");
        scene.Sender.SendCalls.Should().Be(before + 1);
    }

    [Fact]
    public async Task What_was_sent_before_a_message_too_large_is_handled_and_nothing_behind_it()
    {
        await using Scene scene = await Scene.StartAsync();
        scene.Sender.DeliverTogether(
            [.. Messages(Relays(0, 2)), new TransportMessage(TransportMessageKind.TooLarge), .. Messages(Relays(2, 2))]);
        await scene.ReceiveAsync(News(0, 2));
        (await scene.Sender.Goodbye).Status.Should().Be(1009);
        (await scene.Sender.Running.WaitAsync(TransportPair.Patience)).Should().Be(DisconnectReason.ProtocolError);
        scene.Receivers.Should().OnlyContain(r => r.Drain().Count == 0);
    }

    [Fact]
    public async Task What_a_client_sent_before_it_closed_reaches_the_others()
    {
        await using Scene scene = await Scene.StartAsync();
        scene.Sender.DeliverTogether([.. Messages(Relays(0, 5)), new TransportMessage(TransportMessageKind.Closed)]);
        await scene.ReceiveAsync(News(0, 5));
        (await scene.Sender.Running.WaitAsync(TransportPair.Patience)).Should().Be(DisconnectReason.TransportClose);
    }

    [Fact]
    public async Task A_socket_put_out_by_its_own_event_gets_what_was_emitted_to_it_before()
    {
        await using Scene scene = await Scene.StartAsync();
        scene.Io.On("leave", async socket =>
        {
            await socket.EmitAsync("bye", 1);
            await socket.DisconnectAsync(close: true);
        });
        scene.Sender.SendTogether("""{"event":"relay","data":1,"id":1}""", """{"event":"leave"}""");
        (await scene.Sender.Running.WaitAsync(TransportPair.Patience)).Should().Be(DisconnectReason.ServerNamespaceDisconnect);
        scene.Sender.Drain().Should().Equal(
            """{"ack":1}""", """{"event":"bye","data":1}""", """{"disconnect":"/","reason":"server namespace disconnect"}""");
        (await scene.Sender.Goodbye).Status.Should().Be(1000);
    }

    [Fact]
    public async Task A_batch_for_everybody_and_its_own_sender_is_in_order_for_each()
    {
        await using Scene scene = await Scene.StartAsync();
        scene.Io.OnRaw("all", (_, arguments) =>
        {
            scene.Io.EmitAsync("news", arguments);
            return arguments;
        });
        await scene.ProveQuickAsync("all", "0");
        scene.DrainReceivers();

        scene.Sender.SendTogether(Enumerable.Range(0, 30).Select(n => $$"""{"event":"all","data":{{n}},"id":{{n}}}"""));
        await scene.ReceiveAsync(News(0, 30));
        for (int n = 0; n < 30; n++)
        {
            (await scene.Sender.ReceiveTextAsync()).Should().Be($$"""{"event":"news","data":{{n}}}""");
            (await scene.Sender.ReceiveTextAsync()).Should().Be($$"""{"ack":{{n}},"data":{{n}}}""");
        }
    }

    private static IEnumerable<string> Relays(int first, int count) =>
        Enumerable.Range(first, count).Select(n => $$"""{"event":"relay","data":{{n}}}""");

    private static IEnumerable<string> News(int first, int count) =>
        Enumerable.Range(first, count).Select(n => $$"""{"event":"news","data":{{n}}}""");

    private static IEnumerable<TransportMessage> Messages(IEnumerable<string> texts) =>
        texts.Select(t => new TransportMessage(TransportMessageKind.Text, System.Text.Encoding.UTF8.GetBytes(t)));

    /// <summary>A sender whose relays are quick, and those who receive them.</summary>
    private sealed class Scene : IAsyncDisposable
    {
        private EventSocket? _socket;

        // Time that stands still: every handler counts as quick, however busy the machine is.
        public InMemoryServer Server { get; } = new(time: new ManualTime());

        public EventServer Io => Server.Io;

        public List<TransportPair> Receivers { get; } = [];

        public BatchTransport Sender { get; } = new();

        public static async Task<Scene> StartAsync()
        {
            var scene = new Scene();
            scene.Io.OnRaw("relay", (_, arguments) => { scene.Io.To("receivers").EmitAsync("news", arguments); });
            for (int i = 0; i < 3; i++)
            {
                (TransportPair receiver, string sid) = await scene.Server.ConnectAsync();
                await scene.Io.Root.FindSocket(sid)!.JoinAsync("receivers");
                scene.Receivers.Add(receiver);
            }

            (_, string sender) = await scene.Server.ConnectAsync(transport: scene.Sender);
            scene._socket = scene.Io.Root.FindSocket(sender)!;
            await scene.ProveQuickAsync("relay", "0");
            scene.DrainReceivers();
            return scene;
        }

        /// <summary>From then on the handler runs on the thread that reads, if nothing else of the sender runs.</summary>
        public async Task ProveQuickAsync(string name, string data)
        {
            for (int i = 0; i < 8; i++)
            {
                Sender.Send($$"""{"event":"{{name}}","data":{{data}},"id":"p{{i}}"}""");
                string text;
                do
                {
                    text = await Sender.ReceiveTextAsync();
                }
                while (!text.StartsWith($$"""{"ack":"p{{i}}""", StringComparison.Ordinal));
                await TransportPair.UntilAsync(() => _socket!.Life.IsQuiet, "the handler is through");
            }
        }

        public int[] SendCalls() => [.. Receivers.Select(r => r.SendCalls)];

        public void DrainReceivers() => Receivers.ForEach(r => r.Drain());

        /// <summary>What each receiver is sent next, which is as much as this and no more.</summary>
        public async Task ReceiveAsync(IEnumerable<string> expected)
        {
            foreach (TransportPair receiver in Receivers)
            {
                foreach (string text in expected)
                {
                    (await receiver.ReceiveTextAsync()).Should().Be(text);
                }

                receiver.Drain().Should().BeEmpty();
            }
        }

        public async ValueTask DisposeAsync()
        {
            foreach (TransportPair client in Receivers.Append(Sender))
            {
                await InMemoryServer.EndAsync(client);
            }

            await Server.DisposeAsync();
        }
    }
}

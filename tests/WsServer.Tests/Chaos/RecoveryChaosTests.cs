using System.Net.WebSockets;
using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Chaos;

/// <summary>Clients that come back again and again through a proxy that cuts them off again and again.</summary>
public class RecoveryChaosTests
{
    private const int Cuts = 30;
    private const int Clients = 3;

    private static readonly ChaosFault[] Faults = [ChaosFault.HalfClose, ChaosFault.Close, ChaosFault.Reset, ChaosFault.BlackHole];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task In_the_end_each_has_every_event_once_and_in_order(int seed)
    {
        // After so many connections that are cut, whoever comes gets through.
        var random = new Random(seed);
        ChaosScript[] scripts = [.. Enumerable.Range(0, Cuts).Select(_ => Roll(random))];
        await using ChaosServer server = await ChaosServer.StartAsync(seed, number => number < Cuts ? scripts[number] : ChaosScript.Clean);
        using var stop = new CancellationTokenSource();
        Comeback[] clients = [.. Enumerable.Range(0, Clients).Select(_ => new Comeback(server))];
        Task[] running = [.. clients.Select(c => c.RunAsync(stop.Token))];

        await server.TickUntilAsync(Within.UntilAsync(() => server.Proxy.Count > Cuts && clients.All(c => c.IsCleanlyBack), "all cuts are over"));
        int last = server.Emitted - 1;
        await Within.UntilAsync(() => clients.All(c => c.Last == last), "the last event");
        await stop.CancelAsync();
        await Within.TimeAsync(Task.WhenAll(running), "the clients");

        clients.Sum(c => c.ComebackCount).Should().BeGreaterThan(5);
        foreach (Comeback client in clients)
        {
            // Nothing was promised before it first heard of its session.
            client.Refusals.Should().Be(0, "the server keeps far more than is missed here");
            client.Seen.Should().Equal(Enumerable.Range(client.Seen[0], client.Seen.Count), "each event once, in order, with none missing");
        }

        await server.BeUnharmedAsync();
    }

    // A client that only listens sends its upgrade request and some pongs: a cut on its way to the server is in that.
    private static ChaosScript Roll(Random random)
    {
        const int RequestBytes = 200;
        ChaosScript script = ChaosScript.Roll(random, Faults, within: 6_000);
        if (random.Next(4) > 0)
        {
            // Most have some time before it happens.
            ChaosFault fault = Faults[random.Next(Faults.Length)];
            return new ChaosScript(script.ToServer with { Fault = ChaosFault.None }, script.ToClient with { Fault = fault, FaultAfter = random.Next(300, 6_000) });
        }

        return script with { ToServer = script.ToServer with { FaultAfter = script.ToServer.FaultAfter % RequestBytes } };
    }

    /// <summary>A client that notes what it has, and never gives up.</summary>
    private sealed class Comeback(ChaosServer server)
    {
        // When nothing has come for so long, the connection counts as dead.
        private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);

        private volatile int _last = -1;
        private volatile bool _isCleanlyBack;
        private string? _session;
        private long _seq;

        public List<int> Seen { get; } = [];

        public int Last => _last;

        public int ComebackCount { get; private set; }

        public int Refusals { get; private set; }

        /// <summary>Whether it is connected and nothing will cut it.</summary>
        public bool IsCleanlyBack => _isCleanlyBack;

        public async Task RunAsync(CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                using var webSocket = new ClientWebSocket();
                webSocket.Options.Proxy = null;
                try
                {
                    bool isClean = server.Proxy.Count >= Cuts;
                    using var connecting = CancellationTokenSource.CreateLinkedTokenSource(stop);
                    connecting.CancelAfter(Silence);
                    await webSocket.ConnectAsync(server.Proxy.Ws(_session is null ? "/?recover=1" : $"/?session={_session}&seq={_seq}"), connecting.Token);
                    await ReadAsync(webSocket, isClean, stop);
                }
                catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or IOException)
                {
                    // Cut off.
                }

                webSocket.Abort();
            }
        }

        private async Task ReadAsync(ClientWebSocket webSocket, bool isClean, CancellationToken stop)
        {
            byte[] buffer = new byte[64 * 1024];
            while (webSocket.State == WebSocketState.Open)
            {
                // Once nothing more is emitted, silence means nothing.
                using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stop);
                if (!isClean)
                {
                    timeout.CancelAfter(Silence);
                }

                ValueWebSocketReceiveResult result = await webSocket.ReceiveAsync(buffer.AsMemory(), timeout.Token);
                if (result.MessageType == WebSocketMessageType.Close)
                {
                    return;
                }

                result.EndOfMessage.Should().BeTrue();
                Take(JsonElement.Parse(buffer.AsSpan(0, result.Count)), isClean);
            }
        }

        private void Take(JsonElement message, bool isClean)
        {
            _seq = message.TryGetProperty("seq", out JsonElement seq) ? seq.GetInt64() : _seq;
            if (message.TryGetProperty("connected", out _))
            {
                bool isRecovered = message.TryGetProperty("recovered", out JsonElement recovered) && recovered.GetBoolean();
                ComebackCount += isRecovered ? 1 : 0;
                Refusals += _session is not null && !isRecovered ? 1 : 0;
                _session = message.GetProperty("session").GetString();
                _isCleanlyBack = isClean;
            }
            else if (message.TryGetProperty("event", out _))
            {
                _last = message.GetProperty("data").GetInt32();
                Seen.Add(_last);
            }
        }
    }
}

using System.Net;
using FluentAssertions;
using WsServer.Tests.SocketIO.Engine;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Chaos;

/// <summary>Sessions of Socket.IO, by polling and over a WebSocket, behind a proxy that does what networks do.</summary>
public class SocketIOChaosTests
{
    private const int Sessions = 8;
    private const int Events = 40;

    private static readonly ChaosFault[] Faults = [ChaosFault.None, ChaosFault.HalfClose, ChaosFault.Close, ChaosFault.Reset];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_session_by_polling_hurts_nobody_when_its_requests_break(int seed)
    {
        var random = new Random(seed);
        ChaosScript[] scripts = [.. Enumerable.Range(0, 64).Select(_ => ChaosScript.Roll(random, Faults, within: 6_000))];
        await using ChaosServer server = await ChaosServer.StartAsync(seed, number => scripts[number % scripts.Length]);

        await server.TickUntilAsync(Task.WhenAll(Enumerable.Range(0, Sessions).Select(_ => PollAsync(server))));

        Verify(server);
        await server.BeUnharmedAsync();
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task A_session_over_a_WebSocket_hurts_nobody_when_it_breaks(int seed)
    {
        var random = new Random(seed);
        ChaosScript[] scripts = [.. Enumerable.Range(0, Sessions).Select(_ => ChaosScript.Roll(random, [.. Faults, ChaosFault.BlackHole], within: 3_000))];
        await using ChaosServer server = await ChaosServer.StartAsync(seed, number => scripts[number % scripts.Length]);

        await server.TickUntilAsync(Task.WhenAll(Enumerable.Range(0, Sessions).Select(_ => SpeakAsync(server))));

        Verify(server);
        await server.BeUnharmedAsync();
    }

    private static void Verify(ChaosServer server)
    {
        foreach (string sid in server.Sids)
        {
            IReadOnlyList<int> received = server.ReceivedFrom(sid);
            received.Should().Equal(Enumerable.Range(0, received.Count), "events arrive once and in order, up to the cut");
        }

        server.Sids.Sum(sid => server.ReceivedFrom(sid).Count).Should().BeGreaterThan(Events, "some got through");
    }

    private static async Task PollAsync(ChaosServer server)
    {
        using var client = new EngineClient(new Uri(server.Proxy.Http, "/socket.io/"));
        var acks = new List<int>();
        try
        {
            await client.OpenAsync();
            await ExpectAsync(client.PostAsync("40"));
            for (int i = 0; i < Events; i++)
            {
                await ExpectAsync(client.PostAsync($"42{i}[\"number\",{i}]"));
                while (acks.Count <= i)
                {
                    EngineResponse response = await client.GetAsync();
                    await ExpectAsync(Task.FromResult(response));
                    foreach (string packet in response.Body.Split(EngineClient.Separator))
                    {
                        Note(packet, acks);
                        if (packet == "2")
                        {
                            await ExpectAsync(client.PostAsync("3"));
                        }
                    }
                }
            }

            await client.PostAsync("1");
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or IOException or IndexOutOfRangeException or System.Text.Json.JsonException)
        {
            // A request broke: for a client of Engine.IO that is the end of its session.
        }

        acks.Should().Equal(Enumerable.Range(0, acks.Count), "each event is acked once, in order");
    }

    private static async Task SpeakAsync(ChaosServer server)
    {
        var acks = new List<int>();
        try
        {
            using EngineWebSocket socket = await EngineWebSocket.ConnectAsync(server.Proxy.Ws("/socket.io/?EIO=4&transport=websocket"));
            await socket.SendAsync("40");
            for (int i = 0; i < Events; i++)
            {
                await socket.SendAsync($"42{i}[\"number\",{i}]");
            }

            while (acks.Count < Events && await socket.ReceiveAsync() is { } packet)
            {
                Note(packet, acks);
                if (packet == "2")
                {
                    await socket.SendAsync("3");
                }
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or System.Net.WebSockets.WebSocketException or OperationCanceledException or IOException)
        {
            // The connection broke.
        }

        acks.Should().Equal(Enumerable.Range(0, acks.Count), "each event is acked once, in order");
    }

    private static void Note(string packet, List<int> acks)
    {
        if (packet.StartsWith("43", StringComparison.Ordinal))
        {
            acks.Add(int.Parse(packet[2..packet.IndexOf('[', StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    private static async Task ExpectAsync(Task<EngineResponse> response)
    {
        if ((await response).Status != HttpStatusCode.OK)
        {
            throw new HttpRequestException("The session is gone.");
        }
    }
}

using System.Text.Json;
using FluentAssertions;
using WsServer.Limits;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>Clients that lag, are cut off and come back: what was dropped for them is told or comes after all.</summary>
public class LaggingRecoveryTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_dropped_behind_the_last_event_that_the_client_has_had_comes_when_it_comes_back(bool isTold)
    {
        await using var server = Server();
        server.Io.WhenSlow("n", SlowConsumerPolicy.DropNewest);
        (SteppedTransport transport, JsonElement connected) = await ConnectAsync(server);
        await EmitAsync(server, 10, 30);
        JsonElement first = JsonElement.Parse((await transport.ReadAsync()).Should().ContainSingle().Which);
        first.GetProperty("data").GetInt32().Should().Be(10);
        string[] waited = await transport.NextAsync();
        waited.Should().HaveCount(4, "more may not wait");
        if (isTold)
        {
            transport.EndSend();
            (await transport.NextAsync()).Should().Equal("""{"event":"$lagged","data":{"count":15,"events":{"n":15}}}""");
        }

        // It has had the first only, or also those that waited and the word of what it missed.
        long seq = (isTold ? JsonElement.Parse(waited[^1]) : first).GetProperty("seq").GetInt64();
        await CutAsync(server, transport, connected);
        (List<int> missed, JsonElement back) = await ComeBackAsync(server, connected, seq);
        back.GetProperty("recovered").GetBoolean().Should().BeTrue();
        missed.Should().Equal(isTold ? Enumerable.Range(15, 15) : Enumerable.Range(11, 19));
    }

    [Fact]
    public async Task What_the_client_was_told_of_does_not_come_when_it_has_had_a_later_one()
    {
        await using var server = Server();
        server.Io.WhenSlow("n", SlowConsumerPolicy.DropOldest);
        (SteppedTransport transport, JsonElement connected) = await ConnectAsync(server);
        await EmitAsync(server, 10, 30);
        await transport.ReadAsync();
        (await transport.ReadAsync()).Should().Equal("""{"event":"$lagged","data":{"count":15,"events":{"n":15}}}""");
        string[] rest = await transport.NextAsync();
        rest.Select(r => JsonElement.Parse(r).GetProperty("data").GetInt32()).Should().Equal(26, 27, 28, 29);
        long seq = JsonElement.Parse(rest[1]).GetProperty("seq").GetInt64();
        await CutAsync(server, transport, connected);

        (List<int> missed, _) = await ComeBackAsync(server, connected, seq);
        missed.Should().Equal(28, 29);
    }

    [Fact]
    public async Task Events_that_were_replaced_come_when_the_client_was_away()
    {
        await using var server = Server();
        server.Io.WhenSlow("n", SlowConsumerPolicy.Conflate("n"));
        (SteppedTransport transport, JsonElement connected) = await ConnectAsync(server);
        await EmitAsync(server, 10, 14);
        JsonElement first = JsonElement.Parse((await transport.ReadAsync())[0]);
        (await transport.NextAsync()).Should().ContainSingle().Which.Should().Contain("\"data\":13");
        await CutAsync(server, transport, connected);

        (List<int> missed, _) = await ComeBackAsync(server, connected, first.GetProperty("seq").GetInt64());
        missed.Should().Equal(11, 12, 13);
    }

    // Four events fit into what may be dropped: each costs 34 bytes.
    private static InMemoryServer Server() => new(o =>
    {
        o.MaxOutboxBytes = 2_000;
        o.MaxDroppableBytes = 140;
    });

    private static async Task EmitAsync(InMemoryServer server, int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            await server.Io.EmitAsync("n", i);
        }
    }

    private static SteppedTransport Start(InMemoryServer server, string? session = null, long seq = 0)
    {
        var transport = new SteppedTransport();
        server.Io.TryReserve().Should().BeTrue();
        _ = server.Io.RunReservedAsync(transport, new Handshake { Time = DateTimeOffset.UtcNow }, "/", new UrlWishes(TakesBinary: false, CanRecover: true, session, seq), ClientPlace.Unlimited);
        return transport;
    }

    private static async Task<(SteppedTransport Transport, JsonElement Connected)> ConnectAsync(InMemoryServer server)
    {
        SteppedTransport transport = Start(server);
        JsonElement connected = JsonElement.Parse((await transport.ReadAsync())[0]);
        await TransportPair.UntilAsync(() => server.Io.Root.FindSocket(SidOf(connected)) is not null, "the socket is in");
        return (transport, connected);
    }

    private static async Task CutAsync(InMemoryServer server, SteppedTransport transport, JsonElement connected)
    {
        transport.Cut();
        await TransportPair.UntilAsync(() => server.Io.Root.FindSocket(SidOf(connected)) is null, "the server has noticed");
    }

    private static async Task<(List<int> Missed, JsonElement Connected)> ComeBackAsync(InMemoryServer server, JsonElement connected, long seq)
    {
        SteppedTransport transport = Start(server, connected.GetProperty("session").GetString(), seq);
        var missed = new List<int>();
        while (true)
        {
            foreach (JsonElement message in (await transport.ReadAsync()).Select(t => JsonElement.Parse(t)))
            {
                if (message.TryGetProperty("connected", out _))
                {
                    return (missed, message);
                }

                missed.Add(message.GetProperty("data").GetInt32());
            }
        }
    }

    private static string SidOf(JsonElement connected) => connected.GetProperty("sid").GetString()!;
}

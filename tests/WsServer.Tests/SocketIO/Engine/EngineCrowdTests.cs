using System.Globalization;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO.Engine;

/// <summary>Many clients at once that poll, post, go over to WebSockets, and end in every way there is.</summary>
public class EngineCrowdTests
{
    private const int Clients = 60;
    private const int Messages = 30;

    [Fact]
    public async Task Each_hears_what_it_said_and_none_is_left_behind()
    {
        await using EngineHost host = await EngineHost.StartAsync(change: s => s with { MaxSessions = Clients });

        for (int round = 0; round < 3; round++)
        {
            await Within.TimeAsync(Task.WhenAll(Enumerable.Range(0, Clients).Select(i => Task.Run(() => LiveAsync(host, i)))), "the crowd");

            // Those who left without a word are found out, and what waits for a time has its time.
            await Within.UntilAsync(
                () =>
                {
                    host.Time.Advance(TimeSpan.FromMilliseconds(100));
                    return host.Ends.Count == Clients * (round + 1) && host.Time.TimerCount == 0;
                },
                "all have ended");
        }

        host.Log.Errors.Should().BeEmpty();
    }

    private static async Task LiveAsync(EngineHost host, int number)
    {
        using EngineClient client = await EngineClient.OpenAsync(host);
        string[] packets = [.. Enumerable.Range(0, Messages).Select(i => string.Create(CultureInfo.InvariantCulture, $"4{number} {i}"))];
        Task<List<string>> polling = client.GetPacketsAsync(Messages);
        foreach (string[] some in packets.Chunk(number % 7 + 1))
        {
            (await client.PostAsync(some)).Body.Should().Be("ok");
        }

        (await polling).Should().Equal(packets);
        if (number % 2 == 0)
        {
            using EngineWebSocket socket = await client.UpgradeAsync();
            Task sending = Task.Run(async () =>
            {
                foreach (string packet in packets)
                {
                    await socket.SendAsync(packet);
                }
            });
            foreach (string packet in packets)
            {
                (await socket.ReceiveAsync()).Should().Be(packet);
            }

            await sending;
            if (number % 4 == 0)
            {
                await socket.SendAsync("1");
                (await socket.ReceiveAsync()).Should().BeNull();
            }
        }
        else if (number % 3 == 0)
        {
            Task<EngineResponse> poll = client.GetAsync();
            await client.PostAsync("1");
            (await poll).Body.Should().Be("6");
        }
        else if (number % 5 == 0)
        {
            using var abort = new CancellationTokenSource();
            Task<EngineResponse> poll = client.GetAsync(abort.Token);
            await abort.CancelAsync();
            await poll.Invoking(p => p).Should().ThrowAsync<OperationCanceledException>();
        }
    }
}

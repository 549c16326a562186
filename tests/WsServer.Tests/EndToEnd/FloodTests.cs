using System.Text;
using FluentAssertions;
using WsServer.Tests.Limits;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>Clients that send as fast as they can, on real sockets and with the default rates, beside one that does not.</summary>
public class FloodTests
{
    public static TheoryData<string> Kinds => new("events", "acks", "garbage", "large", "pings", "connects");

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_flood_is_told_and_then_closed_while_others_are_served(string kind)
    {
        // Otherwise garbage would be at its end much sooner.
        await using EventServerHost host = await EventServerHost.StartAsync(
            io =>
            {
                io.On("say", _ => "heard");
                io.On("large", (_, _) => { });
                io.Of("/more");
            },
            o => o.ErrorBudget = 1_000_000);
        await using EventClient bystander = await EventClient.ConnectAsync(host);
        using RawWebSocket flooder = await RawWebSocket.ConnectAsync(host);
        using var over = new CancellationTokenSource();
        Task flood = FloodAsync(flooder, Frames(kind), over.Token);
        Task<List<string>> reading = ReadAsync(flooder);

        int answered = 0;
        while (!reading.IsCompleted || answered == 0)
        {
            (await bystander.AskAsync("say")).GetProperty("data").GetString().Should().Be("heard");
            answered++;
        }

        await over.CancelAsync();
        await Within.TimeAsync(flood, "the end of the flood");
        List<string> told = await reading;
        told.Should().HaveCount(3);
        told.Take(2).Should().OnlyContain(t => t.Contains("\"code\":\"rate_limited\"") && t.Contains("retryAfterMs"));
        told[2].Should().Be("1008 rate_limited");
        flooder.Reset();
        await Within.UntilAsync(() => host.Io.ConnectionCount == 1, "the flooder is gone");
        host.Log.Errors.Should().BeEmpty();
    }

    /// <summary>One piece of the flood, as it is sent again and again.</summary>
    private static byte[] Frames(string kind) => kind switch
    {
        "events" => Repeat(ClientFrame.Text("""{"event":"say","data":1}""")),
        "acks" => Repeat(ClientFrame.Text("""{"ack":1}""")),
        "garbage" => Repeat(ClientFrame.Text("nonsense")),
        "large" => ClientFrame.Text($"{{\"event\":\"large\",\"data\":\"{new string('x', 1024 * 1024 - 100)}\"}}"),
        "pings" => Repeat(ClientFrame.Encode(RawFrame.Ping, [1])),
        "connects" => Repeat([.. ClientFrame.Text("""{"connect":"/more"}"""), .. ClientFrame.Text("""{"disconnect":"/more"}""")]),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static byte[] Repeat(byte[] frame) => [.. Enumerable.Repeat(frame, 200).SelectMany(f => f)];

    private static async Task FloodAsync(RawWebSocket flooder, byte[] frames, CancellationToken over)
    {
        try
        {
            while (!over.IsCancellationRequested)
            {
                await flooder.SendBytesAsync(frames);
            }
        }
        catch (IOException)
        {
            // The server has had enough.
        }
    }

    /// <summary>Reads to the close; keeps that and the errors.</summary>
    private static async Task<List<string>> ReadAsync(RawWebSocket flooder)
    {
        List<string> told = [];
        while (true)
        {
            RawFrame frame = await flooder.ReadAsync();
            if (frame.Opcode == RawFrame.Close)
            {
                told.Add($"{frame.CloseStatus} {Encoding.UTF8.GetString(frame.Payload.AsSpan(2))}");
                return told;
            }

            if (frame.Opcode == RawFrame.Text && frame.Json.TryGetProperty("error", out _) && Encoding.UTF8.GetString(frame.Payload).Contains("rate_limited"))
            {
                told.Add(Encoding.UTF8.GetString(frame.Payload));
            }
        }
    }

    [Fact]
    public async Task A_flood_from_many_connections_of_one_address_meets_the_rate_of_the_address()
    {
        await using EventServerHost host = await LimitedHost.StartAsync(
            l =>
            {
                (l.PerAddress.MessagesPerSecond, l.PerAddress.MessageBurst) = (1_000, 2_000);
                l.PerConnection.MessageBurst = 1_000_000;
            },
            io => io.On("say", _ => "heard"));
        await using EventClient bystander = await LimitedHost.ConnectAsync(host, LimitedHost.OtherAddress);
        var flooders = new List<RawWebSocket>();
        for (int i = 0; i < 8; i++)
        {
            flooders.Add(await LimitedHost.RequestAsync(host, LimitedHost.Address));
        }

        using var over = new CancellationTokenSource();
        Task[] floods = [.. flooders.Select(f => FloodAsync(f, Frames("events"), over.Token))];
        Task<List<string>[]> reading = Task.WhenAll(flooders.Select(ReadAsync));
        while (!reading.IsCompleted)
        {
            (await bystander.AskAsync("say")).GetProperty("data").GetString().Should().Be("heard");
        }

        (await reading).Should().OnlyContain(told => told.Last() == "1008 rate_limited" && told[0].Contains("This address"));
        await over.CancelAsync();
        await Within.TimeAsync(Task.WhenAll(floods), "the end of the floods");
        flooders.ForEach(f => f.Dispose());
    }
}

using System.Text;
using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO;

/// <summary>A Socket.IO client on a real socket that stops reading, and goes on.</summary>
public class SlowSocketIOClientTests
{
    private const string EventStart = "42[\"n\",";
    private const string LaggedStart = "42[\"$lagged\",";

    [Fact]
    public async Task It_is_told_what_it_missed_with_an_event()
    {
        const int Count = 2_000;
        await using EventServerHost host = await EventServerHost.StartAsync(options: o => o.MaxOutboxBytes = 256 * 1024, endpoints: app => app.MapSocketIO());
        using RawWebSocket slow = await RawWebSocket.RequestAsync(host, "/socket.io/?EIO=4&transport=websocket", receiveBuffer: 16 * 1024);
        slow.Status.Should().Be(101);
        (await ReadAsync(slow)).Should().StartWith("0{");
        await slow.SendTextAsync("40");
        (await ReadAsync(slow)).Should().StartWith("40{");
        await Within.UntilAsync(() => host.Io.Root.SocketCount == 1, "the socket is in");
        string data = new('a', 16 * 1024);

        for (int i = 0; i < Count; i++)
        {
            await host.Io.WhenSlow(SlowConsumerPolicy.DropOldest).EmitAsync("n", i, data);
        }

        await host.Io.EmitAsync("end");
        int next = 0, seen = 0, told = 0;
        string text;
        while ((text = await ReadAsync(slow)) != "42[\"end\"]")
        {
            if (text.StartsWith(LaggedStart, StringComparison.Ordinal))
            {
                JsonElement lagged = JsonElement.Parse(text[LaggedStart.Length..^1]);
                told += lagged.GetProperty("count").GetInt32();
                continue;
            }

            int number = JsonElement.Parse(text[2..])[1].GetInt32();
            text.Should().StartWith(EventStart);
            number.Should().BeGreaterThanOrEqualTo(next);
            next = number + 1;
            seen++;
        }

        told.Should().BePositive();
        (seen + told).Should().Be(Count);
    }

    // Pings of the engine may come between.
    private static async Task<string> ReadAsync(RawWebSocket socket)
    {
        string text;
        do
        {
            text = Encoding.UTF8.GetString((await socket.ReadAsync(RawFrame.Text)).Payload);
        }
        while (text == "2");
        return text;
    }
}

using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>Order and integrity of what is sent, whichever way it goes to the client.</summary>
public class DirectSendTests
{
    private const int Events = 1_000;

    // Much more than the system's buffers take: 50 of 200,000 characters, 50 of 5,000, and short ones.
    private static readonly string[] Data = [.. Enumerable.Range(0, Events).Select(MakeData)];

    [Theory]
    [InlineData(Wiring.Direct)]
    [InlineData(Wiring.Awaited)]
    [InlineData(Wiring.Piped)]
    [InlineData(Wiring.Tls)]
    [InlineData(Wiring.PipedTls)]
    [InlineData(Wiring.Http2)]
    public async Task A_slow_reader_gets_everything_in_order_and_delays_nobody(Wiring wiring)
    {
        await using EventServerHost host = await wiring.StartAsync(options: o =>
        {
            o.MaxOutboxBytes = 100_000_000;
            o.PingInterval = TimeSpan.FromMilliseconds(20);
            o.PingTimeout = TimeSpan.FromMinutes(2);
        });
        await using PacedClient slow = await PacedClient.ConnectAsync(host, wiring, receiveBuffer: 8 * 1024);
        await using PacedClient first = await PacedClient.ConnectAsync(host, wiring);
        await using PacedClient second = await PacedClient.ConnectAsync(host, wiring);
        Task reading = Task.WhenAll(ReadAllAsync(first), ReadAllAsync(second));

        for (int i = 0; i < Events; i++)
        {
            await host.Io.EmitAsync("n", i, Data[i]);
        }

        // The slow one has read nothing yet.
        await reading;
        await ReadAllAsync(slow);
        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [InlineData(Wiring.Direct)]
    [InlineData(Wiring.Awaited)]
    [InlineData(Wiring.Piped)]
    [InlineData(Wiring.Tls)]
    [InlineData(Wiring.PipedTls)]
    [InlineData(Wiring.Http2)]
    public async Task What_clients_send_in_fragments_is_answered_in_order_while_others_talk(Wiring wiring)
    {
        await using EventServerHost host = await wiring.StartAsync(io => io.On("echo", (EventSocket socket, string data) =>
        {
            _ = socket.Broadcast.EmitAsync("said", data.Length);
            return data;
        }), o => o.MaxOutboxBytes = 100_000_000);
        await using PacedClient first = await PacedClient.ConnectAsync(host, wiring);
        await using PacedClient second = await PacedClient.ConnectAsync(host, wiring, receiveBuffer: 16 * 1024);

        await Task.WhenAll(EchoAsync(first, 1), EchoAsync(second, 2));

        await first.CloseAsync();
        await second.CloseAsync();
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "both are gone");
        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [InlineData(Wiring.Direct)]
    [InlineData(Wiring.Awaited)]
    [InlineData(Wiring.Piped)]
    [InlineData(Wiring.Tls)]
    [InlineData(Wiring.PipedTls)]
    public async Task Sixteen_events_in_one_segment_are_answered_in_order(Wiring wiring)
    {
        await using EventServerHost host = await wiring.StartAsync(io => io.On("add", (EventSocket _, int n) => n + 1));
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);

        for (int round = 0; round < 20; round++)
        {
            await raw.SendBytesAsync(Sixteen(round * 16));
            await ShouldBeAnsweredAsync(raw, round * 16);
        }
    }

    [Theory]
    [InlineData(Wiring.Direct)]
    [InlineData(Wiring.Awaited)]
    [InlineData(Wiring.Piped)]
    [InlineData(Wiring.Tls)]
    [InlineData(Wiring.PipedTls)]
    public async Task Frames_in_one_segment_with_the_handshake_are_answered(Wiring wiring)
    {
        await using EventServerHost host = await wiring.StartAsync(io => io.On("add", (EventSocket _, int n) => n + 1));
        using RawWebSocket raw = await RawWebSocket.RequestEagerlyAsync(host, Sixteen(0));

        raw.Status.Should().Be(101);
        (await raw.ReadAsync()).Json.GetProperty("connected").GetString().Should().Be("/");
        await ShouldBeAnsweredAsync(raw, 0);
    }

    [Theory]
    [InlineData(Wiring.Direct)]
    [InlineData(Wiring.Awaited)]
    [InlineData(Wiring.Piped)]
    [InlineData(Wiring.Tls)]
    [InlineData(Wiring.PipedTls)]
    public async Task Clients_that_break_off_during_a_broadcast_harm_no_other(Wiring wiring)
    {
        var reasons = new ConcurrentBag<DisconnectReason>();
        await using EventServerHost host = await wiring.StartAsync(io => io.OnDisconnect((_, reason) => reasons.Add(reason)), o => o.MaxOutboxBytes = 100_000_000);
        RawWebSocket[] fragile = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => RawWebSocket.ConnectAsync(host, receiveBuffer: 8 * 1024)));
        PacedClient[] others = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => PacedClient.ConnectAsync(host, wiring)));
        Task reading = Task.WhenAll(others.Select(ReadAllAsync));

        for (int i = 0; i < Events; i++)
        {
            await host.Io.EmitAsync("n", i, Data[i]);
            if (i % 100 == 50 && i / 100 < fragile.Length)
            {
                fragile[i / 100].Reset();
            }
        }

        await reading;
        await Within.UntilAsync(() => host.Io.ConnectionCount == others.Length, "those that broke off are gone");
        await Within.UntilAsync(() => reasons.Count == fragile.Length, "their sockets have left");
        reasons.Should().OnlyContain(r => r == DisconnectReason.TransportError || r == DisconnectReason.TransportClose);
        host.Log.Errors.Should().BeEmpty();
        foreach (PacedClient other in others)
        {
            await other.DisposeAsync();
        }
    }

    private static async Task ReadAllAsync(PacedClient client)
    {
        for (int i = 0; i < Events; i++)
        {
            JsonElement args = (await client.ReadAsync()).GetProperty("args");
            if (args[0].GetInt32() != i || args[1].GetString() != Data[i])
            {
                throw new InvalidOperationException($"Instead of event {i} came {args[0].GetRawText()} with {args[1].GetString()!.Length} characters.");
            }
        }
    }

    private static async Task EchoAsync(PacedClient client, int seed)
    {
        const int Count = 150;
        var random = new Random(seed);
        Task reading = ReadAnswersAsync();
        for (int i = 0; i < Count; i++)
        {
            ReadOnlyMemory<byte> text = Encoding.UTF8.GetBytes($$"""{"event":"echo","id":{{i}},"data":{{JsonSerializer.Serialize(Data[i])}}}""");
            while (random.Next(3) == 0)
            {
                int count = random.Next(text.Length);
                await client.SendAsync(text[..count], isEnd: false);
                text = text[count..];
            }

            await client.SendAsync(text);
        }

        await reading;

        async Task ReadAnswersAsync()
        {
            for (int i = 0; i < Count;)
            {
                JsonElement message = await client.ReadAsync();
                if (message.TryGetProperty("ack", out JsonElement id))
                {
                    id.GetInt32().Should().Be(i);
                    (message.GetProperty("data").GetString() == Data[i]).Should().BeTrue("answer {0} is what was said", i);
                    i++;
                }
            }
        }
    }

    private static byte[] Sixteen(int from) =>
        [.. Enumerable.Range(from, 16).SelectMany(i => ClientFrame.Text(string.Create(CultureInfo.InvariantCulture, $$"""{"event":"add","id":{{i}},"data":{{i * 2}}}""")))];

    private static async Task ShouldBeAnsweredAsync(RawWebSocket raw, int from)
    {
        for (int i = from; i < from + 16; i++)
        {
            JsonElement answer = (await raw.ReadAsync()).Json;
            answer.GetProperty("ack").GetInt32().Should().Be(i);
            answer.GetProperty("data").GetInt32().Should().Be((i * 2) + 1);
        }
    }

    private static string MakeData(int number)
    {
        var random = new Random(number);
        int length = number % 20 == 0 ? 200_000 : number % 20 == 10 ? 5_000 : number % 50;
        return random.GetString("abcdefghijklmnopqrstuvwxyzäß€0123456789", length);
    }
}

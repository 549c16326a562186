using System.Net.WebSockets;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Connections;

public class FrameFuzzTests
{
    private const int Seed = 20_260_214;
    private const int Limit = 128 * 1024;

    [Fact]
    public async Task Random_conversations_come_out_as_they_were_said_however_they_are_cut()
    {
        await Within.TimeAsync(Task.Run(() =>
        {
            var random = new Random(Seed);
            for (int i = 0; i < 150; i++)
            {
                FrameScript script = FrameScript.Write(random, messages: 12, longest: 70_000);
                FrameFeed feed = Cut(script.Bytes, random, Limit);

                Check(feed.Found.SequenceEqual(script.Said), $"conversation {i} came out as it was said");
                Check(feed.Left == 0, $"nothing of conversation {i} is left");
            }
        }), "the reader");
    }

    [Fact]
    public async Task Mutated_conversations_are_read_or_refused_and_no_cut_makes_a_difference()
    {
        const int Count = 20_000;
        const int SmallLimit = 300;
        int read = 0;
        int refused = 0;
        int tooLarge = 0;
        await Within.TimeAsync(Task.Run(() =>
        {
            var random = new Random(Seed);
            for (int i = 0; i < Count; i++)
            {
                byte[] bytes = Mutate(FrameScript.Write(random, messages: 4, longest: 310).Bytes, random);
                (List<Found> found, int status) = Read(bytes, whole: true, random, SmallLimit);
                (List<Found> foundInParts, int statusInParts) = Read(bytes, whole: false, random, SmallLimit);

                string what = $"stream {i}: {Convert.ToHexString(bytes)}";
                Check(found.SequenceEqual(foundInParts) && status == statusInParts, $"cuts make no difference to {what}");
                Check(status is 0 or 1002 or 1007, $"{status} is the status of {what}");
                Check(found.TrueForAll(f => f.Payload.Length <= SmallLimit), $"the limit holds for {what}");
                read += status == 0 ? 1 : 0;
                refused += status == 0 ? 0 : 1;
                tooLarge += found.Exists(f => f.Kind == FrameKind.TooLarge) ? 1 : 0;
            }
        }), "the reader");

        // The mutations are worth something only when all of this happens often.
        read.Should().BeGreaterThan(Count / 20);
        refused.Should().BeGreaterThan(Count / 4);
        tooLarge.Should().BeGreaterThan(Count / 40);
    }

    [Fact]
    public async Task Noise_is_read_or_refused()
    {
        await Within.TimeAsync(Task.Run(() =>
        {
            var random = new Random(Seed);
            byte[] noise = new byte[64];
            for (int i = 0; i < 50_000; i++)
            {
                random.NextBytes(noise);
                (List<Found> found, int status) = Read(noise, whole: false, random, limit: 20);
                Check(found.TrueForAll(f => f.Payload.Length <= 125), $"nothing long comes of {Convert.ToHexString(noise)}");
                Check(status is 0 or 1002 or 1007, $"{status} is the status of {Convert.ToHexString(noise)}");
            }
        }), "the reader");
    }

    [Fact]
    public async Task The_websocket_of_the_framework_reads_the_same_messages()
    {
        var random = new Random(Seed);
        for (int i = 0; i < 40; i++)
        {
            FrameScript script = FrameScript.Write(random, messages: 12, longest: 70_000);
            FrameFeed feed = Cut(script.Bytes, random, Limit);
            List<Found> theirs = await Within.TimeAsync(ReadWithFrameworkAsync(script.Bytes, random), "the framework's WebSocket");

            theirs.Should().Equal(feed.Found.Where(f => f.Kind is FrameKind.Text or FrameKind.Binary or FrameKind.Close));
        }
    }

    private static async Task<List<Found>> ReadWithFrameworkAsync(byte[] bytes, Random random)
    {
        List<Found> all = [];
        await using var stream = new OneWayStream(bytes, random);
        using var webSocket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true });
        byte[] buffer = new byte[5_000];
        var message = new MemoryStream();
        while (true)
        {
            ValueWebSocketReceiveResult result = await webSocket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
            if (result.MessageType == WebSocketMessageType.Close)
            {
                int status = (int)webSocket.CloseStatus!;
                all.Add(new Found(FrameKind.Close, [(byte)(status >> 8), (byte)status, .. System.Text.Encoding.UTF8.GetBytes(webSocket.CloseStatusDescription!)]));
                return all;
            }

            message.Write(buffer, 0, result.Count);
            if (result.EndOfMessage)
            {
                all.Add(new Found(result.MessageType == WebSocketMessageType.Text ? FrameKind.Text : FrameKind.Binary, message.ToArray()));
                message.SetLength(0);
            }
        }
    }

    /// <summary>What is found, and the status with which it ended; 0 without a fault.</summary>
    private static (List<Found> Found, int Status) Read(byte[] bytes, bool whole, Random random, int limit)
    {
        var feed = new FrameFeed(limit);
        try
        {
            for (int at = 0; at < bytes.Length;)
            {
                int count = whole ? bytes.Length : random.Next(1, 40);
                feed.Feed(bytes[at..Math.Min(bytes.Length, at + count)], whole ? int.MaxValue : random.Next(1, 20));
                at += count;
            }

            return (feed.Found, 0);
        }
        catch (FrameException exception)
        {
            return (feed.Found, exception.Status);
        }
    }

    private static FrameFeed Cut(byte[] bytes, Random random, int limit)
    {
        var feed = new FrameFeed(limit);
        for (int at = 0; at < bytes.Length;)
        {
            int count = random.Next(4) == 0 ? random.Next(1, 20) : random.Next(1, 20_000);
            feed.Feed(bytes[at..Math.Min(bytes.Length, at + count)], random.Next(1, 5_000));
            at += count;
        }

        return feed;
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        List<byte> bytes = [.. original];
        for (int left = random.Next(4); left > 0 && bytes.Count > 0; left--)
        {
            // Near the start is a header.
            int at = random.Next(2) == 0 ? random.Next(bytes.Count) : random.Next(Math.Min(bytes.Count, 14));
            int length = Math.Min(random.Next(1, 12), bytes.Count - at);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 3:
                    bytes.RemoveRange(at, length);
                    break;
                case 4:
                    bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, length));
                    break;
                default:
                    bytes.InsertRange(at, ClientFrame.Header(random.Next(16), (ulong)random.NextInt64(), random.Next(2) == 0));
                    break;
            }
        }

        return [.. bytes];
    }

    // FluentAssertions would take most of the time.
    private static void Check(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"Not so: {what}.");
        }
    }

    /// <summary>Gives bytes a few at a time, and takes what is written to nowhere.</summary>
    private sealed class OneWayStream(byte[] bytes, Random random) : MemoryStream(bytes, writable: false)
    {
        public override bool CanWrite => true;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, random.Next(1, 3_000))], cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;
    }
}

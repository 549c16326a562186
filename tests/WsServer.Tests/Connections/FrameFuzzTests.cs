using System.Net.WebSockets;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Connections;

/// <summary>Random conversations, as two implementations read them. More of the kind is in <c>Fuzzing</c>.</summary>
public class FrameFuzzTests
{
    private const int Seed = 20_260_214;
    private const int Limit = 128 * 1024;

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

    /// <summary>Gives bytes a few at a time, and takes what is written to nowhere.</summary>
    private sealed class OneWayStream(byte[] bytes, Random random) : MemoryStream(bytes, writable: false)
    {
        public override bool CanWrite => true;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, random.Next(1, 3_000))], cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;
    }
}

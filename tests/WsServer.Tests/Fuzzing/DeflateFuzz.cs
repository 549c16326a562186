using System.IO.Compression;
using System.Text;
using WsServer.Connections;
using WsServer.Tests.Connections;
using WsServer.Tests.Support;
using WsServer.Wire;

namespace WsServer.Tests.Fuzzing;

/// <summary>Compressed messages: what the server makes, what proper clients send, and what nobody should.</summary>
internal sealed class DeflateFuzz : FuzzTarget
{
    private const int Compressed = 0x40;
    private const int Limit = 100_000;
    private const int SmallLimit = 300;

    private static readonly CompressionLevel[] Levels = Enum.GetValues<CompressionLevel>();

    public override string Name => "deflate";

    public override string Run(Random random)
    {
        int kind = random.Next(10);
        if (kind < 3)
        {
            RunProper(random, longest: random.Next(20) == 0 ? Limit : 1_000);
            return "proper";
        }

        byte[] compressed = kind < 5 ? Bytes(random, random.Next(80)) : Mutate(Deflate(Message(random, 2 * SmallLimit), random), random);
        return FrameFuzz.RunAny(Frames(compressed, random.Next(2) == 0 ? RawFrame.Text : RawFrame.Binary, isCompressed: true, random), random, mayBeCompressed: true);
    }

    // Messages come out as they went in, compressed or not, in any fragments; and too large only when they are.
    private static void RunProper(Random random, int longest)
    {
        List<Found> said = [];
        List<byte> bytes = [];
        for (int left = random.Next(1, 5); left > 0; left--)
        {
            byte[] message = Message(random, longest + (longest / 10));
            bool isText = random.Next(2) == 0;
            message = isText ? Encoding.UTF8.GetBytes(Encoding.Latin1.GetString(message)) : message;
            bool isCompressed = random.Next(4) > 0;
            bytes.AddRange(Frames(isCompressed ? Deflate(message, random) : message, isText ? RawFrame.Text : RawFrame.Binary, isCompressed, random));
            said.Add(message.Length > longest ? new Found(FrameKind.TooLarge, []) : new Found(isText ? FrameKind.Text : FrameKind.Binary, message));
        }

        var feed = new FrameFeed(longest, mayBeCompressed: true);
        byte[] all = [.. bytes];
        for (int at = 0; at < all.Length;)
        {
            int count = random.Next(1, 1 + all.Length);
            feed.Feed(all[at..Math.Min(all.Length, at + count)], random.Next(1, 5_000));
            at += count;
        }

        Check(feed.Found.SequenceEqual(said), "messages come out as they were");
        Check(feed.Left == 0, "nothing of them is left");
    }

    private static byte[] Deflate(byte[] message, Random random) => MessageDeflater.Deflate(message, Levels[random.Next(Levels.Length)]).ToArray();

    // Runs, repetitions and noise.
    private static byte[] Message(Random random, int longest)
    {
        byte[] message = new byte[random.Next(longest + 1)];
        for (int at = 0; at < message.Length;)
        {
            Span<byte> part = message.AsSpan(at, random.Next(1, message.Length - at + 1));
            switch (random.Next(3))
            {
                case 0:
                    part.Fill((byte)random.Next(256));
                    break;
                case 1:
                    random.NextBytes(part);
                    break;
                default:
                    int back = random.Next(1, at + 2);
                    for (int i = 0; i < part.Length; i++)
                    {
                        part[i] = at + i >= back ? message[at + i - back] : (byte)'x';
                    }

                    break;
            }

            at += part.Length;
        }

        return message;
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        List<byte> bytes = [.. original];
        for (int left = random.Next(3); left > 0 && bytes.Count > 0; left--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes.RemoveRange(at, random.Next(1, bytes.Count - at + 1));
                    break;
                case 2:
                    bytes.InsertRange(at, Bytes(random, random.Next(1, 4)));
                    break;
                default:
                    // Twice the same: each piece may be a message of its own.
                    bytes.AddRange(bytes.ToArray());
                    break;
            }
        }

        return [.. bytes];
    }

    private static byte[] Frames(byte[] payload, int opcode, bool isCompressed, Random random)
    {
        List<byte> bytes = [];
        int reserved = isCompressed ? Compressed : 0;
        int start = 0;
        while (random.Next(3) == 0)
        {
            int count = random.Next(payload.Length - start + 1);
            bytes.AddRange(ClientFrame.Encode(opcode, payload.AsSpan(start, count), isFinal: false, reserved, mask: Bytes(random, 4)));
            start += count;
            opcode = RawFrame.Continuation;
            reserved = 0;
        }

        bytes.AddRange(ClientFrame.Encode(opcode, payload.AsSpan(start), isFinal: true, reserved, mask: Bytes(random, 4)));
        return [.. bytes];
    }
}

using WsServer.Connections;
using WsServer.Tests.Connections;
using WsServer.Tests.Support;

namespace WsServer.Tests.Fuzzing;

/// <summary>Frames of proper clients, frames that are nearly right, and noise; cut as a network may cut them.</summary>
internal sealed class FrameFuzz : FuzzTarget
{
    private const int Limit = 128 * 1024;
    private const int SmallLimit = 300;
    private const int LongestControl = 125;

    public override string Name => "frames";

    public override string Run(Random random)
    {
        int kind = random.Next(100);
        if (kind == 0)
        {
            return RunProper(random, messages: 12, longest: 70_000);
        }

        if (kind < 20)
        {
            return RunProper(random, messages: 6, longest: 200);
        }

        byte[] bytes = kind < 60 ? Mutate(FrameScript.Write(random, messages: 4, longest: 310).Bytes, random) : Bytes(random, 64);
        return RunAny(bytes, random, mayBeCompressed: random.Next(4) == 0);
    }

    /// <summary>However bytes are cut, the same is found in them, within the limit and with a status that says what is wrong.</summary>
    internal static string RunAny(byte[] bytes, Random random, bool mayBeCompressed)
    {
        (List<Found> found, int status) = Read(bytes, whole: true, random, mayBeCompressed);
        (List<Found> foundInParts, int statusInParts) = Read(bytes, whole: false, random, mayBeCompressed);
        string what = Convert.ToHexString(bytes);
        Check(found.SequenceEqual(foundInParts) && status == statusInParts, $"cuts make no difference to {what}");
        Check(status is 0 or 1002 or 1007, $"{status} is the status of {what}");
        Check(found.TrueForAll(f => f.Payload.Length <= (f.Kind is FrameKind.Ping or FrameKind.Pong or FrameKind.Close ? LongestControl : SmallLimit)), $"the limit holds for {what}");
        return status != 0 ? "refused" : found.Exists(f => f.Kind == FrameKind.TooLarge) ? "too large" : "read";
    }

    private static string RunProper(Random random, int messages, int longest)
    {
        FrameScript script = FrameScript.Write(random, messages, longest);
        var feed = new FrameFeed(Limit);
        byte[] bytes = script.Bytes;
        for (int at = 0; at < bytes.Length;)
        {
            int count = random.Next(4) == 0 ? random.Next(1, 20) : random.Next(1, 20_000);
            feed.Feed(bytes[at..Math.Min(bytes.Length, at + count)], random.Next(1, 5_000));
            at += count;
        }

        Check(feed.Found.SequenceEqual(script.Said), "a conversation comes out as it was said");
        Check(feed.Left == 0, "nothing of it is left");
        return "proper";
    }

    // What is found, and the status with which it ended; 0 without a fault.
    private static (List<Found> Found, int Status) Read(byte[] bytes, bool whole, Random random, bool mayBeCompressed)
    {
        var feed = new FrameFeed(SmallLimit, mayBeCompressed);
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
        finally
        {
            feed.Reader.ReturnBuffer();
        }
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
}

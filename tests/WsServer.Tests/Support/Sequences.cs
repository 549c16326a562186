using System.Buffers;

namespace WsServer.Tests.Support;

/// <summary>Sequences of bytes in segments, as the network may cut them.</summary>
internal static class Sequences
{
    /// <summary>The bytes in segments of this size; the last may be shorter.</summary>
    public static ReadOnlySequence<byte> Cut(byte[] bytes, int size) => Of([.. bytes.Chunk(Math.Max(1, size))]);

    /// <summary>These segments, empty ones included.</summary>
    public static ReadOnlySequence<byte> Of(params byte[][] segments)
    {
        if (segments.Length == 0)
        {
            return ReadOnlySequence<byte>.Empty;
        }

        var first = new Segment(segments[0], 0);
        Segment last = first;
        foreach (byte[] bytes in segments.Skip(1))
        {
            last = last.Append(bytes);
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(byte[] bytes, long start)
        {
            Memory = bytes;
            RunningIndex = start;
        }

        public Segment Append(byte[] bytes)
        {
            var next = new Segment(bytes, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}

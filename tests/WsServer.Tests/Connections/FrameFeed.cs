using System.Buffers;
using WsServer.Connections;
using WsServer.Tests.Support;

namespace WsServer.Tests.Connections;

/// <summary>What a <see cref="FrameReader"/> found, with a copy of the payload. Equal by content.</summary>
internal readonly struct Found(FrameKind kind, byte[] payload) : IEquatable<Found>
{
    public FrameKind Kind => kind;

    public byte[] Payload => payload;

    public static Found Text(string text) => new(FrameKind.Text, System.Text.Encoding.UTF8.GetBytes(text));

    public bool Equals(Found other) => kind == other.Kind && payload.AsSpan().SequenceEqual(other.Payload);

    public override bool Equals(object? obj) => obj is Found other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(kind, payload.Length);

    public override string ToString() => $"{kind} of {payload.Length} bytes {Convert.ToHexString(payload.AsSpan(0, Math.Min(24, payload.Length)))}";
}

/// <summary>Gives bytes to a <see cref="FrameReader"/> as a pipe would: what it left comes again, before what is new.</summary>
internal sealed class FrameFeed(int limit = 1024 * 1024, bool mayBeCompressed = false)
{
    private byte[] _left = [];

    public FrameReader Reader { get; } = new(limit, mayBeCompressed);

    public List<Found> Found { get; } = [];

    /// <summary>The bytes that the reader did not take yet.</summary>
    public int Left => _left.Length;

    /// <summary>All that is found in these bytes, given at once in segments of a size.</summary>
    public static List<Found> ReadAll(byte[] bytes, int segment = int.MaxValue, int limit = 1024 * 1024)
    {
        var feed = new FrameFeed(limit);
        feed.Feed(bytes, segment);
        return feed.Found;
    }

    /// <summary>Gives bytes, and reads until there is nothing more to find.</summary>
    public void Feed(byte[] bytes, int segment = int.MaxValue)
    {
        ReadOnlySequence<byte> input = Sequences.Cut([.. _left, .. bytes], segment);
        FrameKind kind;
        while ((kind = Reader.Read(ref input)) != FrameKind.None)
        {
            Found.Add(new Found(kind, kind == FrameKind.TooLarge ? [] : Reader.Payload.ToArray()));
        }

        _left = input.ToArray();
        Reader.Release();
    }
}

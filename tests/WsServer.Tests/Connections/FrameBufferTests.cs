using System.Buffers;
using System.Runtime.InteropServices;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Connections;

/// <summary>When a <see cref="FrameReader"/> holds a buffer, and when it gives it back.</summary>
public class FrameBufferTests
{
    [Fact]
    public void Between_messages_the_buffer_is_given_back_and_within_one_it_is_kept()
    {
        byte[] frame = ClientFrame.Encode(RawFrame.Binary, Numbers(100));
        ReadOnlySequence<byte> input = new(frame);
        var reader = new FrameReader(1_000);
        reader.Read(ref input).Should().Be(FrameKind.Binary);
        byte[] buffer = BufferOf(reader);

        IsPooled(buffer).Should().BeFalse("its message may still be read");
        reader.Release();
        IsPooled(buffer).Should().BeTrue("nothing is on its way");
        reader.Payload.Length.Should().Be(0);

        input = new(frame.AsMemory(0, 50));
        reader.Read(ref input).Should().Be(FrameKind.None);
        reader.Release();
        input = new(frame.AsMemory(50));
        reader.Read(ref input).Should().Be(FrameKind.Binary);
        reader.Payload.ToArray().Should().Equal(Numbers(100));
    }

    [Fact]
    public void The_buffer_is_given_back_once_however_often_that_is_asked_for()
    {
        ReadOnlySequence<byte> input = new(ClientFrame.Encode(RawFrame.Binary, Numbers(100), isFinal: false));
        var reader = new FrameReader(1_000);
        reader.Read(ref input).Should().Be(FrameKind.None);
        reader.ReturnBuffer();
        reader.ReturnBuffer();
        reader.Release();

        byte[] first = ArrayPool<byte>.Shared.Rent(4096);
        byte[] second = ArrayPool<byte>.Shared.Rent(4096);
        second.Should().NotBeSameAs(first);
        ArrayPool<byte>.Shared.Return(first);
        ArrayPool<byte>.Shared.Return(second);
    }

    [Fact]
    public void A_buffer_that_became_too_small_is_given_back()
    {
        ReadOnlySequence<byte> input = new(ClientFrame.Encode(RawFrame.Binary, Numbers(4_000), isFinal: false));
        var reader = new FrameReader(100_000);
        reader.Read(ref input).Should().Be(FrameKind.None);
        byte[] small = ArrayPool<byte>.Shared.Rent(4_096);
        ArrayPool<byte>.Shared.Return(small);
        input = new(ClientFrame.Encode(RawFrame.Continuation, Numbers(4_000)));

        reader.Read(ref input).Should().Be(FrameKind.Binary);
        reader.Payload.ToArray().Should().Equal([.. Numbers(4_000), .. Numbers(4_000)]);
        IsPooled(small).Should().BeFalse("the reader's own was given back after it");
        reader.ReturnBuffer();
    }

    // On one thread the pool gives first what was given back last.
    private static bool IsPooled(byte[] buffer)
    {
        byte[] next = ArrayPool<byte>.Shared.Rent(buffer.Length);
        ArrayPool<byte>.Shared.Return(next);
        return ReferenceEquals(next, buffer);
    }

    private static byte[] BufferOf(FrameReader reader) =>
        MemoryMarshal.TryGetArray(reader.Payload, out ArraySegment<byte> segment) ? segment.Array! : throw new InvalidOperationException("There is no buffer.");

    private static byte[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(i => (byte)(i * 7))];
}

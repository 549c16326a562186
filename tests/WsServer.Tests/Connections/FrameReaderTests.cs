using System.Buffers;
using System.Text;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Connections;

public class FrameReaderTests
{
    // Text in two fragments with a ping and a pong between, an empty text, binary of each form of length, a close.
    private static readonly byte[] Conversation =
    [
        .. ClientFrame.Encode(RawFrame.Text, "Grü"u8, isFinal: false),
        .. ClientFrame.Encode(RawFrame.Ping, "are you there?"u8),
        .. ClientFrame.Encode(RawFrame.Continuation, [], isFinal: false),
        .. ClientFrame.Encode(RawFrame.Pong, []),
        .. ClientFrame.Encode(RawFrame.Continuation, "ße €😀"u8, mask: [1, 2, 3, 4]),
        .. ClientFrame.Encode(RawFrame.Text, []),
        .. ClientFrame.Encode(RawFrame.Binary, Numbers(125)),
        .. ClientFrame.Encode(RawFrame.Binary, Numbers(126)),
        .. ClientFrame.Encode(RawFrame.Binary, Numbers(300), isFinal: false),
        .. ClientFrame.Encode(RawFrame.Continuation, Numbers(5)),
        .. ClientFrame.Encode(RawFrame.Close, [0x03, 0xe8, .. "bye"u8]),
    ];

    private static readonly Found[] Said =
    [
        new(FrameKind.Ping, [.. "are you there?"u8]),
        new(FrameKind.Pong, []),
        Found.Text("Grüße €😀"),
        Found.Text(""),
        new(FrameKind.Binary, Numbers(125)),
        new(FrameKind.Binary, Numbers(126)),
        new(FrameKind.Binary, [.. Numbers(300), .. Numbers(5)]),
        new(FrameKind.Close, [0x03, 0xe8, .. "bye"u8]),
    ];

    [Fact]
    public void The_masked_text_of_the_rfc_is_read() =>
        FrameFeed.ReadAll(Hex("81 85 37 fa 21 3d 7f 9f 4d 51 58")).Should().Equal(Found.Text("Hello"));

    [Fact]
    public void The_masked_pong_of_the_rfc_is_read() =>
        FrameFeed.ReadAll(Hex("8a 85 37 fa 21 3d 7f 9f 4d 51 58")).Should().Equal(new Found(FrameKind.Pong, [.. "Hello"u8]));

    [Fact]
    public void The_fragmented_text_of_the_rfc_is_read_when_it_is_masked() =>
        FrameFeed.ReadAll(Hex("01 83 37 fa 21 3d 7f 9f 4d  80 82 37 fa 21 3d 5b 95")).Should().Equal(Found.Text("Hello"));

    [Theory]
    [InlineData("82 fe 01 00", 256)]
    [InlineData("82 ff 00 00 00 00 00 01 00 00", 65_536)]
    public void The_long_binaries_of_the_rfc_are_read_when_they_are_masked(string header, int length)
    {
        // A mask of zeros leaves the payload as it is.
        byte[] frame = [.. Hex(header), 0, 0, 0, 0, .. Numbers(length)];

        FrameFeed.ReadAll(frame).Should().Equal(new Found(FrameKind.Binary, Numbers(length)));
    }

    [Theory]
    [InlineData("81 05 48 65 6c 6c 6f")]
    [InlineData("01 03 48 65 6c 80 02 6c 6f")]
    [InlineData("89 05 48 65 6c 6c 6f")]
    public void The_examples_of_the_rfc_without_a_mask_are_refused_from_a_client(string frame)
    {
        var feed = new FrameFeed();

        feed.Invoking(f => f.Feed(Hex(frame))).Should().Throw<FrameException>().Which.Status.Should().Be(1002);
        feed.Found.Should().BeEmpty();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(int.MaxValue)]
    public void A_conversation_is_read_from_segments_of_any_size(int segment) =>
        FrameFeed.ReadAll(Conversation, segment).Should().Equal(Said);

    [Fact]
    public void A_conversation_is_read_wherever_it_is_cut_in_two()
    {
        for (int cut = 0; cut <= Conversation.Length; cut++)
        {
            var feed = new FrameFeed();
            feed.Feed(Conversation[..cut]);
            feed.Feed(Conversation[cut..]);

            feed.Found.Should().Equal(Said, $"it was cut at {cut}");
        }
    }

    [Theory]
    [InlineData(1, int.MaxValue)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(7, 3)]
    [InlineData(50, 7)]
    public void A_conversation_is_read_as_it_comes_a_few_bytes_at_a_time(int count, int segment)
    {
        var feed = new FrameFeed();
        foreach (byte[] few in Conversation.Chunk(count))
        {
            feed.Feed(few, segment);
        }

        feed.Found.Should().Equal(Said);
        feed.Left.Should().Be(0);
    }

    [Fact]
    public void Segments_may_be_empty()
    {
        byte[] frame = ClientFrame.Encode(RawFrame.Binary, Numbers(20));
        ReadOnlySequence<byte> input = Sequences.Of([], frame[..1], [], [], frame[1..9], [], frame[9..], []);
        var reader = new FrameReader(100);

        reader.Read(ref input).Should().Be(FrameKind.Binary);
        reader.Payload.ToArray().Should().Equal(Numbers(20));
        input.Length.Should().Be(0);
        reader.Read(ref input).Should().Be(FrameKind.None);
    }

    [Fact]
    public async Task A_segment_may_be_empty_in_the_middle_of_a_frame()
    {
        byte[] frame = ClientFrame.Encode(RawFrame.Text, "hello, you"u8);
        var reader = new FrameReader(100);
        ReadOnlySequence<byte> input = Sequences.Of(frame[..9]);
        reader.Read(ref input).Should().Be(FrameKind.None);

        FrameKind kind = await Within.TimeAsync(Task.Run(() =>
        {
            ReadOnlySequence<byte> rest = Sequences.Of([], frame[9..]);
            return reader.Read(ref rest);
        }), "the rest of the message");

        kind.Should().Be(FrameKind.Text);
        reader.Payload.ToArray().Should().Equal("hello, you"u8.ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(127)]
    public void The_mask_goes_on_across_cuts_of_any_length(int length)
    {
        byte[] payload = Numbers(length * 3);
        byte[] frame = ClientFrame.Encode(RawFrame.Binary, payload, mask: [0xff, 0x01, 0x80, 0x7e]);
        for (int cut = 0; cut <= frame.Length; cut++)
        {
            var feed = new FrameFeed();
            feed.Feed(frame[..cut]);
            feed.Feed(frame[cut..]);

            feed.Found.Should().Equal([new Found(FrameKind.Binary, payload)], $"it was cut at {cut}");
        }
    }

    [Fact]
    public void Each_fragment_has_a_mask_of_its_own_that_begins_anew()
    {
        byte[] frames =
        [
            .. ClientFrame.Encode(RawFrame.Binary, Numbers(3), isFinal: false, mask: [1, 2, 3, 4]),
            .. ClientFrame.Encode(RawFrame.Continuation, Numbers(70), isFinal: false, mask: [9, 8, 7, 6]),
            .. ClientFrame.Encode(RawFrame.Continuation, Numbers(6), mask: [0, 0xff, 0, 0xff]),
        ];

        FrameFeed.ReadAll(frames, 5).Should().Equal(new Found(FrameKind.Binary, [.. Numbers(3), .. Numbers(70), .. Numbers(6)]));
    }

    [Fact]
    public void A_message_of_empty_fragments_is_empty()
    {
        byte[] frames =
        [
            .. ClientFrame.Encode(RawFrame.Text, [], isFinal: false),
            .. ClientFrame.Encode(RawFrame.Continuation, [], isFinal: false),
            .. ClientFrame.Encode(RawFrame.Continuation, []),
            .. ClientFrame.Encode(RawFrame.Binary, []),
        ];

        FrameFeed.ReadAll(frames, 3).Should().Equal(Found.Text(""), new Found(FrameKind.Binary, []));
    }

    [Fact]
    public void A_character_may_be_cut_by_fragments()
    {
        byte[] text = Encoding.UTF8.GetBytes("a😀b");
        IEnumerable<byte> frames = text.SelectMany((b, i) => ClientFrame.Encode(i == 0 ? RawFrame.Text : RawFrame.Continuation, [b], isFinal: i == text.Length - 1));

        FrameFeed.ReadAll([.. frames]).Should().Equal(Found.Text("a😀b"));
    }

    [Fact]
    public void A_control_frame_leaves_the_message_around_it_as_it_is()
    {
        var feed = new FrameFeed();
        feed.Feed(ClientFrame.Encode(RawFrame.Binary, Numbers(10), isFinal: false));
        feed.Feed(ClientFrame.Encode(RawFrame.Ping, Numbers(125), mask: [4, 3, 2, 1]));
        feed.Feed(ClientFrame.Encode(RawFrame.Continuation, Numbers(4)));

        feed.Found.Should().Equal(new Found(FrameKind.Ping, Numbers(125)), new Found(FrameKind.Binary, [.. Numbers(10), .. Numbers(4)]));
    }

    [Fact]
    public void Of_a_long_frame_everything_is_taken_as_it_comes()
    {
        byte[] payload = Numbers(200_000);
        byte[] frame = ClientFrame.Encode(RawFrame.Binary, payload);
        var feed = new FrameFeed();
        foreach (byte[] part in frame.Chunk(1_460))
        {
            feed.Feed(part);
            feed.Left.Should().Be(0);
        }

        feed.Found.Should().Equal(new Found(FrameKind.Binary, payload));
    }

    private static byte[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(i => (byte)(i * 7))];

    private static byte[] Hex(string bytes) => Convert.FromHexString(bytes.Replace(" ", "", StringComparison.Ordinal));
}

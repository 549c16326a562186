using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Connections;

/// <summary>What a <see cref="FrameReader"/> refuses, and how long a message may be.</summary>
public class FrameRuleTests
{
    private const int Limit = 1_000;

    private static readonly byte[] Next = ClientFrame.Text("next");

    public static TheoryData<string, int, byte[]> Faults => new()
    {
        { "no mask", 1002, ClientFrame.Encode(RawFrame.Text, "a"u8, isMasked: false) },
        { "no mask on a close", 1002, ClientFrame.Encode(RawFrame.Close, [], isMasked: false) },
        { "first reserved bit", 1002, ClientFrame.Encode(RawFrame.Text, "a"u8, reserved: 0x40) },
        { "second reserved bit", 1002, ClientFrame.Encode(RawFrame.Binary, "a"u8, reserved: 0x20) },
        { "third reserved bit", 1002, ClientFrame.Encode(RawFrame.Ping, [], reserved: 0x10) },
        { "opcode 3", 1002, ClientFrame.Encode(3, []) },
        { "opcode 4", 1002, ClientFrame.Encode(4, []) },
        { "opcode 5", 1002, ClientFrame.Encode(5, []) },
        { "opcode 6", 1002, ClientFrame.Encode(6, []) },
        { "opcode 7", 1002, ClientFrame.Encode(7, []) },
        { "opcode 11", 1002, ClientFrame.Encode(11, []) },
        { "opcode 12", 1002, ClientFrame.Encode(12, []) },
        { "opcode 13", 1002, ClientFrame.Encode(13, []) },
        { "opcode 14", 1002, ClientFrame.Encode(14, []) },
        { "opcode 15", 1002, ClientFrame.Encode(15, []) },
        { "fragmented ping", 1002, ClientFrame.Encode(RawFrame.Ping, [], isFinal: false) },
        { "fragmented pong", 1002, ClientFrame.Encode(RawFrame.Pong, [], isFinal: false) },
        { "fragmented close", 1002, ClientFrame.Encode(RawFrame.Close, [], isFinal: false) },
        { "long ping", 1002, ClientFrame.Encode(RawFrame.Ping, new byte[126]) },
        { "long close", 1002, ClientFrame.Encode(RawFrame.Close, new byte[126]) },
        { "endless pong", 1002, ClientFrame.Header(RawFrame.Pong, 1UL << 62) },
        { "continuation of nothing", 1002, ClientFrame.Encode(RawFrame.Continuation, "a"u8) },
        { "text within a text", 1002, [.. ClientFrame.Encode(RawFrame.Text, "a"u8, isFinal: false), .. ClientFrame.Encode(RawFrame.Text, "b"u8)] },
        { "binary within a text", 1002, [.. ClientFrame.Encode(RawFrame.Text, [], isFinal: false), .. ClientFrame.Encode(RawFrame.Binary, "b"u8)] },
        { "continuation after the end", 1002, [.. ClientFrame.Encode(RawFrame.Text, "a"u8), .. ClientFrame.Encode(RawFrame.Continuation, "b"u8)] },
        { "highest bit of a length", 1002, ClientFrame.Header(RawFrame.Binary, 1UL << 63) },
        { "all bits of a length", 1002, ClientFrame.Header(RawFrame.Text, ulong.MaxValue) },
        { "overlong UTF-8", 1007, ClientFrame.Encode(RawFrame.Text, [0xc0, 0xaf]) },
        { "surrogate in UTF-8", 1007, ClientFrame.Encode(RawFrame.Text, [0xed, 0xa0, 0x80]) },
        { "beyond Unicode", 1007, ClientFrame.Encode(RawFrame.Text, [0xf4, 0x90, 0x80, 0x80]) },
        { "half a character", 1007, ClientFrame.Encode(RawFrame.Text, [0xe2, 0x82]) },
        { "cut character", 1007, [.. ClientFrame.Encode(RawFrame.Text, [0xe2, 0x82], isFinal: false), .. ClientFrame.Encode(RawFrame.Continuation, "a"u8)] },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void What_breaks_the_protocol_is_refused_with_its_status_however_it_is_cut(string what, int status, byte[] frames)
    {
        byte[] before = ClientFrame.Text("before");
        foreach (int segment in new[] { int.MaxValue, 1, 2, 3, 7 })
        {
            var feed = new FrameFeed(Limit);

            feed.Invoking(f => f.Feed([.. before, .. frames], segment)).Should().Throw<FrameException>(what).Which.Status.Should().Be(status);
            feed.Found.Should().StartWith([Found.Text("before")], what);
        }
    }

    [Theory]
    [InlineData(FrameReader.MaxEmptyFragments, false)]
    [InlineData(FrameReader.MaxEmptyFragments + 1, true)]
    public void A_message_has_an_end_even_if_its_fragments_bring_nothing(int fragments, bool isRefused)
    {
        byte[] empty = ClientFrame.Encode(RawFrame.Continuation, [], isFinal: false);
        byte[] start = ClientFrame.Encode(RawFrame.Text, "a"u8, isFinal: false);
        byte[] end = ClientFrame.Encode(RawFrame.Continuation, "b"u8);
        var feed = new FrameFeed(Limit);

        // Twice, as the count is one message's.
        Action all = () => feed.Feed([.. Message(), .. Message()], int.MaxValue);

        if (isRefused)
        {
            all.Should().Throw<FrameException>().Which.Status.Should().Be(1008);
            feed.Found.Should().BeEmpty();
        }
        else
        {
            all();
            feed.Found.Should().Equal(Found.Text("ab"), Found.Text("ab"));
        }

        byte[] Message() => [.. start, .. Enumerable.Repeat(empty, fragments).SelectMany(e => e), .. end];
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void What_breaks_the_protocol_is_refused_also_byte_by_byte(string what, int status, byte[] frames)
    {
        var feed = new FrameFeed(Limit);
        Action all = () =>
        {
            foreach (byte one in frames)
            {
                feed.Feed([one]);
            }
        };

        all.Should().Throw<FrameException>(what).Which.Status.Should().Be(status);
    }

    [Theory]
    [InlineData(Limit)]
    [InlineData(Limit - 1)]
    public void A_message_up_to_the_limit_is_taken(int length)
    {
        byte[] payload = new byte[length];
        Array.Fill(payload, (byte)'x');
        byte[] one = ClientFrame.Encode(RawFrame.Text, payload);
        byte[] parts = [.. ClientFrame.Encode(RawFrame.Binary, payload.AsSpan(..10), isFinal: false), .. ClientFrame.Encode(RawFrame.Continuation, payload.AsSpan(10..))];

        FrameFeed.ReadAll([.. one, .. parts], 100, Limit).Should().Equal(new Found(FrameKind.Text, payload), new Found(FrameKind.Binary, payload));
    }

    [Theory]
    [InlineData(Limit + 1)]
    [InlineData(Limit * 3)]
    [InlineData(70_000)]
    public void A_message_over_the_limit_is_told_of_once_and_skipped(int length)
    {
        byte[] stream = [.. ClientFrame.Encode(RawFrame.Binary, new byte[length]), .. Next];
        foreach (int segment in new[] { int.MaxValue, 1, 7, 999 })
        {
            FrameFeed.ReadAll(stream, segment, Limit).Should().Equal(new Found(FrameKind.TooLarge, []), Found.Text("next"));
        }
    }

    [Fact]
    public void A_message_over_the_limit_is_told_of_before_its_payload_comes()
    {
        FrameFeed.ReadAll(ClientFrame.Header(RawFrame.Binary, Limit + 1), limit: Limit).Should().Equal(new Found(FrameKind.TooLarge, []));
        FrameFeed.ReadAll(ClientFrame.Header(RawFrame.Text, 1UL << 62), limit: Limit).Should().Equal(new Found(FrameKind.TooLarge, []));
        FrameFeed.ReadAll(ClientFrame.Header(RawFrame.Text, long.MaxValue), limit: Limit).Should().Equal(new Found(FrameKind.TooLarge, []));
    }

    [Fact]
    public void Fragments_that_are_too_long_together_are_told_of_once_and_skipped_to_the_next_message()
    {
        byte[] stream =
        [
            .. ClientFrame.Encode(RawFrame.Text, new byte[Limit], isFinal: false),
            .. ClientFrame.Encode(RawFrame.Continuation, [], isFinal: false),
            .. ClientFrame.Encode(RawFrame.Continuation, [0xc0], isFinal: false),
            .. ClientFrame.Encode(RawFrame.Ping, [1]),
            .. ClientFrame.Encode(RawFrame.Continuation, new byte[5 * Limit], isFinal: false),
            .. ClientFrame.Encode(RawFrame.Continuation, []),
            .. Next,
        ];
        foreach (int segment in new[] { int.MaxValue, 1, 7, 999 })
        {
            FrameFeed.ReadAll(stream, segment, Limit).Should().Equal(new Found(FrameKind.TooLarge, []), new Found(FrameKind.Ping, [1]), Found.Text("next"));
        }
    }

    [Fact]
    public void A_fragment_that_announces_more_than_a_long_can_add_up_is_too_large()
    {
        byte[] stream = [.. ClientFrame.Encode(RawFrame.Binary, new byte[Limit], isFinal: false), .. ClientFrame.Header(RawFrame.Continuation, long.MaxValue)];

        FrameFeed.ReadAll(stream, limit: Limit).Should().Equal(new Found(FrameKind.TooLarge, []));
    }

    [Fact]
    public void The_protocol_holds_while_a_message_is_skipped()
    {
        byte[] tooLarge = ClientFrame.Encode(RawFrame.Binary, new byte[Limit + 1], isFinal: false);

        new FrameFeed(Limit).Invoking(f => f.Feed([.. tooLarge, .. Next])).Should().Throw<FrameException>().Which.Status.Should().Be(1002);
    }

    [Fact]
    public void A_message_over_the_limit_has_no_payload()
    {
        var input = Sequences.Of([.. ClientFrame.Text("secret"), .. ClientFrame.Header(RawFrame.Binary, Limit + 1)]);
        var reader = new FrameReader(Limit);
        reader.Read(ref input).Should().Be(FrameKind.Text);

        reader.Read(ref input).Should().Be(FrameKind.TooLarge);
        reader.Payload.Length.Should().Be(0);
    }

    [Fact]
    public void A_length_in_a_longer_form_than_it_needs_is_read()
    {
        byte[] stream = [0x82, 0xfe, 0, 1, 0, 0, 0, 0, 42, 0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 43];

        FrameFeed.ReadAll(stream, 3).Should().Equal(new Found(FrameKind.Binary, [42]), new Found(FrameKind.Binary, [43]));
    }
}

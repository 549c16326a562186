using System.IO.Compression;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Connections;
using WsServer.Tests.Support;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Compression;

/// <summary>Compressed messages of a client; the bytes of the examples are those of RFC 7692, section 7.2.3.</summary>
public class CompressedReadingTests
{
    private const int Compressed = 0x40;
    private const int Limit = 1_000;

    [Theory]
    [InlineData("F248CDC9C90700")]
    [InlineData("000500FAFF48656C6C6F00")]
    [InlineData("F348CDC9C9070000")]
    [InlineData("F248050000 00FFFFCAC9C90700")]
    public void The_examples_of_the_rfc_are_read(string hex)
    {
        Read(Frame(Bytes(hex))).Should().Equal(Found.Text("Hello"));
    }

    [Fact]
    public void A_compressed_message_may_come_in_fragments_of_which_the_first_says_so()
    {
        byte[] frames =
        [
            .. ClientFrame.Encode(RawFrame.Text, Bytes("F248CD"), isFinal: false, reserved: Compressed),
            .. ClientFrame.Encode(RawFrame.Ping, []),
            .. ClientFrame.Encode(RawFrame.Continuation, [], isFinal: false),
            .. ClientFrame.Encode(RawFrame.Continuation, Bytes("C9C90700")),
            .. ClientFrame.Text("plain"),
        ];

        for (int segment = 1; segment < 8; segment++)
        {
            Read(frames, segment).Should().Equal(new Found(FrameKind.Ping, []), Found.Text("Hello"), Found.Text("plain"));
        }
    }

    [Fact]
    public void An_empty_message_is_one_byte()
    {
        Read(Frame([0])).Should().Equal(Found.Text(""));
    }

    [Fact]
    public void What_refers_to_the_message_before_is_refused()
    {
        byte[] frames = [.. Frame(Bytes("F248CDC9C90700")), .. Frame(Bytes("F200110000"))];

        ShouldRefuse(frames, 1007);
    }

    [Theory]
    [InlineData("FFFF")]
    [InlineData("07")]
    [InlineData("000500FBFF48656C6C6F00")]
    public void What_is_not_compressed_data_is_refused(string hex) => ShouldRefuse(Frame(Bytes(hex)), 1007);

    [Fact]
    public void Text_that_is_not_utf8_when_inflated_is_refused()
    {
        byte[] invalid = [0xc0, 0xaf];

        ShouldRefuse(Frame(MessageDeflater.Deflate(invalid, CompressionLevel.Fastest).ToArray()), 1007);
        Read(Frame(MessageDeflater.Deflate(invalid, CompressionLevel.Fastest).ToArray(), RawFrame.Binary)).Should().Equal(new Found(FrameKind.Binary, invalid));
    }

    [Theory]
    [InlineData(RawFrame.Ping)]
    [InlineData(RawFrame.Pong)]
    [InlineData(RawFrame.Close)]
    public void A_control_frame_is_never_compressed(int opcode) => ShouldRefuse(Frame([0], opcode), 1002);

    [Fact]
    public void A_continuation_does_not_say_that_it_is_compressed()
    {
        ShouldRefuse([.. ClientFrame.Encode(RawFrame.Text, [], isFinal: false, reserved: Compressed), .. Frame([0], RawFrame.Continuation)], 1002);
        ShouldRefuse([.. ClientFrame.Encode(RawFrame.Text, [], isFinal: false), .. Frame([0], RawFrame.Continuation)], 1002);
    }

    [Theory]
    [InlineData(0x20)]
    [InlineData(0x10)]
    [InlineData(0x60)]
    [InlineData(0x50)]
    public void The_other_reserved_bits_stay_reserved(int reserved) => ShouldRefuse(ClientFrame.Encode(RawFrame.Text, [0], reserved: reserved), 1002);

    [Fact]
    public void Without_an_agreement_no_message_may_be_compressed()
    {
        var feed = new FrameFeed();

        feed.Invoking(f => f.Feed(Frame([0]))).Should().Throw<FrameException>().Which.Status.Should().Be(1002);
    }

    [Fact]
    public void The_limit_is_for_what_comes_out()
    {
        byte[] most = Frame(MessageDeflater.Deflate(new byte[Limit], CompressionLevel.Fastest).ToArray(), RawFrame.Binary);
        byte[] more = Frame(MessageDeflater.Deflate(new byte[Limit + 1], CompressionLevel.Fastest).ToArray(), RawFrame.Binary);

        Read([.. most, .. more, .. ClientFrame.Text("next")])
            .Should().Equal(new Found(FrameKind.Binary, new byte[Limit]), new Found(FrameKind.TooLarge, []), Found.Text("next"));
    }

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Fastest)]
    [InlineData(CompressionLevel.Optimal)]
    public void What_has_become_longer_by_compression_may_do_so(CompressionLevel level)
    {
        byte[] noise = new byte[Limit];
        new Random(1).NextBytes(noise);

        Read(Frame(MessageDeflater.Deflate(noise, level).ToArray(), RawFrame.Binary)).Should().Equal(new Found(FrameKind.Binary, noise));
    }

    [Fact]
    public void What_is_far_longer_than_the_limit_before_it_is_inflated_is_skipped()
    {
        int longest = Limit + (Limit / 8) + 64;

        Read([.. Frame(new byte[longest + 1]), .. ClientFrame.Text("next")]).Should().Equal(new Found(FrameKind.TooLarge, []), Found.Text("next"));
    }

    private static byte[] Frame(byte[] payload, int opcode = RawFrame.Text) => ClientFrame.Encode(opcode, payload, reserved: Compressed);

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    private static List<Found> Read(byte[] bytes, int segment = int.MaxValue)
    {
        var feed = new FrameFeed(Limit, mayBeCompressed: true);
        feed.Feed(bytes, segment);
        feed.Left.Should().Be(0);
        return feed.Found;
    }

    private static void ShouldRefuse(byte[] bytes, int status)
    {
        var feed = new FrameFeed(Limit, mayBeCompressed: true);

        feed.Invoking(f => f.Feed(bytes)).Should().Throw<FrameException>().Which.Status.Should().Be(status);
    }
}

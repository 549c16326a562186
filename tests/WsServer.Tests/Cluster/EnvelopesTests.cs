using System.Text;
using FluentAssertions;
using WsServer.Cluster;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Cluster;

/// <summary>The bytes between nodes: a node of this version understands those of every other of this version.</summary>
public sealed class EnvelopesTests
{
    private const string Node = "Abc_-123";

    [Fact]
    public void An_emit_is_these_bytes()
    {
        using var message = new WireBuffer();
        Envelopes.WriteHeader(message, Node);
        using var content = new WireBuffer();
        Envelopes.WriteEmit(
            content,
            new Audience("/chat", ["a", "ü"], ["m"], IsVolatile: true),
            new Packet(PacketKind.Event) { Event = "news", Arguments = JsonArguments.FromUtf8("""{"_placeholder":true,"num":0}"""u8.ToArray(), 1, [new byte[] { 1, 2 }]) });
        Envelopes.WriteRecord(message, 300, MessageKind.Emit, content.Memory.Span);

        Encoding.Latin1.GetString(message.Memory.Span).Should().Be(
            "WS\u0001Abc_-123" + "\u002c\u0001\0\0\0\0\0\0" + "\u0001" + (char)content.Length
            + "\u0005/chat" + "\u0002\u0001a\u0002Ã¼" + "\u0001\u0001m" + "\u0001" + "\0"
            + "\u0004news" + "\u0001\u001d{\"_placeholder\":true,\"num\":0}" + "\u0001\u0002\u0001\u0002" + "\0\0");
    }

    [Fact]
    public void A_length_of_more_than_seven_bits_takes_more_bytes()
    {
        using var buffer = new WireBuffer();
        buffer.Number(127);
        buffer.Number(128);
        buffer.Number(int.MaxValue);

        buffer.Memory.ToArray().Should().Equal(0x7f, 0x80, 0x01, 0xff, 0xff, 0xff, 0xff, 0x07);
    }

    [Theory]
    [InlineData("")]
    [InlineData("WS\u0001Abc_-12")]
    [InlineData("ws\u0001Abc_-123")]
    [InlineData("WS\u0002Abc_-123")]
    [InlineData("WS\u0001Abc .123")]
    [InlineData("{\"event\":\"hello\"}")]
    public void What_is_no_message_of_this_version_is_nobodys(string message) =>
        Envelopes.ReadHeader(Encoding.Latin1.GetBytes(message), out _).Should().BeNull();

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_policy_for_slow_clients_travels(SlowConsumerPolicy policy, string expected)
    {
        using var content = new WireBuffer();
        Envelopes.WriteEmit(content, new Audience("/", [], [], false) { WhenSlow = policy }, new Packet(PacketKind.Event) { Event = "e" });
        var reader = new WireReader(content.Memory);

        Envelopes.ReadEmit(ref reader).Audience.WhenSlow!.ToString().Should().Be(expected);
    }

    [Theory]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 0x0f })]
    [InlineData(new byte[] { 0x80, 0x80, 0x80, 0x80, 0x80, 0x01 })]
    [InlineData(new byte[] { 0x80 })]
    [InlineData(new byte[] { })]
    public void A_number_that_is_none_is_refused(byte[] bytes)
    {
        Action reading = () =>
        {
            var reader = new WireReader(bytes);
            reader.Number();
        };

        reading.Should().Throw<InvalidDataException>();
    }

    public static TheoryData<SlowConsumerPolicy, string> Policies => new()
    {
        { SlowConsumerPolicy.Disconnect, "Disconnect" },
        { SlowConsumerPolicy.DropNewest, "DropNewest" },
        { SlowConsumerPolicy.DropOldest, "DropOldest" },
        { SlowConsumerPolicy.Conflate("k"), "Conflate(k)" },
        { SlowConsumerPolicy.Conflate(_ => "computed"), "Conflate(computed)" },
    };
}

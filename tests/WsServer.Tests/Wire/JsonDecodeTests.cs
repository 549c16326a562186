using FluentAssertions;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Wire;

public class JsonDecodeTests
{
    [Fact]
    public void An_event_has_a_name_arguments_an_id_and_a_namespace()
    {
        Packet packet = Codec.Decode("""{"event":"chat","data":{"msg":"hi"},"id":1,"ns":"/n"}""");
        packet.Kind.Should().Be(PacketKind.Event);
        packet.Event.Should().Be("chat");
        packet.Namespace.Should().Be("/n");
        packet.Id.Should().Be(new PacketId(1));
        packet.Arguments.Count.Should().Be(1);
        packet.Arguments.Text().Should().Be("""{"msg":"hi"}""");
    }

    [Theory]
    [InlineData("""{"event":"e"}""", 0, "")]
    [InlineData("""{"event":"e","args":[]}""", 0, "")]
    [InlineData("""{"event":"e","args":[ ]}""", 0, "")]
    [InlineData("""{"event":"e","data":null}""", 1, "null")]
    [InlineData("""{"event":"e","data":[]}""", 1, "[]")]
    [InlineData("""{"event":"e","data":[1,2]}""", 1, "[1,2]")]
    [InlineData("""{"event":"e","args":[ {"a":[1]} ]}""", 1, """{"a":[1]}""")]
    [InlineData("""{"event":"e","args":[[1,2]]}""", 1, "[1,2]")]
    [InlineData("""{"event":"e","args":[1,"two",[3,4],{"a":5,"b":6},null]}""", 5, """[1,"two",[3,4],{"a":5,"b":6},null]""")]
    public void Arguments_come_as_data_or_args(string text, int count, string expected)
    {
        Packet packet = Codec.Decode(text);
        packet.Arguments.Count.Should().Be(count);
        packet.Arguments.Text().Should().Be(expected);
        packet.Id.IsNone.Should().BeTrue();
        packet.Namespace.Should().BeNull();
    }

    [Fact]
    public void An_ack_has_data_args_an_error_or_nothing()
    {
        Codec.Decode("""{"ack":7,"data":"got it"}""").Should().Match<Packet>(p => p.Kind == PacketKind.Ack && p.Id == new PacketId(7) && p.Error == null);
        Codec.Decode("""{"ack":"x"}""").Id.Text.Should().Be("x");
        Codec.Decode("""{"ack":7,"args":[1,2],"ns":"/n"}""").Should().Match<Packet>(p => p.Arguments.Count == 2 && p.Namespace == "/n");
        EventError error = Codec.Decode("""{"ack":7,"error":{"code":"full","message":"Full.","limit":2}}""").Error!;
        error.Code.Should().Be("full");
        error.Message.Should().Be("Full.");
        error.Details!.ToJsonString().Should().Be("""{"limit":2}""");
    }

    [Theory]
    [InlineData("{}", "error", "error")]
    [InlineData("""{"code":"a"}""", "a", "a")]
    [InlineData("""{"code":1,"message":[]}""", "error", "error")]
    [InlineData("""{"message":"m"}""", "error", "m")]
    public void An_ack_error_that_says_too_little_is_taken_as_far_as_it_goes(string error, string code, string message)
    {
        EventError read = Codec.Decode($$"""{"ack":7,"error":{{error}}}""").Error!;
        read.Should().Be(new EventError(code, message));
    }

    [Fact]
    public void Connect_disconnect_ping_and_pong_are_read()
    {
        Packet connect = Codec.Decode("""{"connect":"/news","auth":{"token":"t"}}""");
        connect.Should().Match<Packet>(p => p.Kind == PacketKind.Connect && p.Namespace == "/news");
        connect.Arguments.Text().Should().Be("""{"token":"t"}""");
        Codec.Decode("""{"connect":"/news"}""").Arguments.Count.Should().Be(0);
        Codec.Decode("""{"disconnect":"/news","reason":"whatever"}""").Should().Match<Packet>(p => p.Kind == PacketKind.Disconnect && p.Namespace == "/news");
        Codec.Decode("""{"ping":{"a":[1]}}""").Should().Match<Packet>(p => p.Kind == PacketKind.Ping && p.Arguments.Count == 1);
        Codec.Decode("""{"pong":null}""").Kind.Should().Be(PacketKind.Pong);
    }

    [Theory]
    [InlineData("""{"event":"e","foo":1,"foo":2}""")]
    [InlineData("""{"event":"e","reason":1,"sid":2,"code":3}""")]
    [InlineData("""{"Event":"x","event":"e"}""")]
    [InlineData(" \t\r\n{\"foo\":{\"event\":[1]},\"event\" : \"e\" } \n")]
    [InlineData("""{"\u0065vent":"\u0065"}""")]
    public void Unknown_members_white_space_and_escapes_do_no_harm(string text) => Codec.Decode(text).Event.Should().Be("e");

    [Theory]
    [InlineData("0", 0L)]
    [InlineData("9007199254740991", 9007199254740991L)]
    public void Numeric_ids_go_from_zero_to_the_largest_exact_integer(string id, long expected) =>
        Codec.Decode($$"""{"event":"e","id":{{id}}}""").Id.Should().Be(new PacketId(expected));

    [Fact]
    public void Textual_ids_have_up_to_64_characters()
    {
        string longest = new('ä', 64);
        Codec.Decode($$"""{"event":"e","id":"{{longest}}"}""").Id.Text.Should().Be(longest);
        Packet empty = Codec.Decode("""{"event":"e","id":""}""");
        empty.Id.Text.Should().BeEmpty();
        empty.Id.IsNone.Should().BeFalse();
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("9007199254740992")]
    [InlineData("99999999999999999999")]
    [InlineData("1.0")]
    [InlineData("1e3")]
    [InlineData("0.5")]
    [InlineData("true")]
    [InlineData("null")]
    [InlineData("[1]")]
    [InlineData("""{"a":1}""")]
    [InlineData("\"00000000000000000000000000000000000000000000000000000000000000065\"")]
    public void Another_id_leaves_an_error_untied(string id)
    {
        Codec.Refuse($$"""{"event":"e","id":{{id}},"data":1}""").Summary().Should().Be("invalid_envelope");
        Codec.Refuse($$"""{"ack":{{id}}}""").Summary().Should().Be("invalid_envelope");
    }

    [Fact]
    public void A_name_has_at_most_the_limits_characters()
    {
        string longest = new('n', 256);
        Codec.Decode($$"""{"event":"{{longest}}"}""").Event.Should().Be(longest);
        Codec.Decode($$"""{"event":"{{longest[..^1]}}\u00e4"}""").Event.Should().EndWith("ä");
        var answer = Codec.Refuse($$"""{"event":"{{longest}}n","id":1}""");
        answer.Summary().Should().Be("ack 1 invalid_envelope");
        answer.GetProperty("error").GetProperty("limit").GetInt32().Should().Be(256);
        answer.GetProperty("error").GetProperty("actual").GetInt32().Should().Be(257);
        answer.GetProperty("error").GetProperty("path").GetString().Should().Be("event");

        Codec.Decode($$"""{"connect":"/{{longest[1..]}}"}""").Namespace.Should().HaveLength(256);
        Codec.Refuse($$"""{"connect":"/{{longest}}"}""").Summary().Should().Be("invalid_envelope");
        Codec.Refuse($$"""{"event":"e","ns":"/{{longest}}","id":1}""").Summary().Should().Be("invalid_envelope");
    }

    [Theory]
    [InlineData("data")]
    [InlineData("args")]
    [InlineData("unknown")]
    public void Json_nests_as_deep_as_the_limit(string member)
    {
        string Nested(int levels) => $$"""{"event":"e","{{member}}":{{new string('[', levels)}}1{{new string(']', levels)}},"id":1}""";
        Codec.Decode(Nested(63)).Event.Should().Be("e");
        var answer = Codec.Refuse(Nested(64));
        answer.Summary().Should().Be("ack 1 invalid_envelope");
        answer.GetProperty("error").GetProperty("limit").GetInt32().Should().Be(64);
        Codec.Refuse(Nested(100_000)).Summary().Should().Be("ack 1 invalid_envelope");
    }

    [Fact]
    public void An_ack_error_may_nest_as_deep_as_any_other_member()
    {
        var deep = new JsonPacketCodec(new EnvelopeLimits(256, MaxDepth: 200), new NameTable());
        string text = $$"""{"ack":1,"error":{"code":"a","message":"b","more":{{new string('[', 150)}}{{new string(']', 150)}} } }""";
        Codec.Decode(System.Text.Encoding.UTF8.GetBytes(text), isBinary: false, deep).Error!.Details!.Should().ContainKey("more");
    }

    [Theory]
    [InlineData("""{"event":"f","data":{"_placeholder":true,"num":0},"bin":[3]}""", new byte[] { 1, 2, 3 })]
    [InlineData("""{"bin":[2,1],"event":"f","args":[{"_placeholder":true,"num":1},[{"num":0,"_placeholder":true}]]}""", new byte[] { 1, 2, 3 })]
    [InlineData("""{"event":"f","data":{"_placeholder":true,"num":0},"bin":[0]}""", new byte[0])]
    [InlineData("""{"event":"f","data":{"_placeholder":false,"num":7},"bin":[]}""", new byte[0])]
    [InlineData("""{"ack":1,"data":{"_placeholder":true,"num":0},"bin":[1]}""", new byte[] { 0 })]
    [InlineData("""{"ping":1,"bin":[]}""", new byte[0])]
    public void A_binary_message_is_an_envelope_a_zero_and_its_attachments(string envelope, byte[] attachments)
    {
        Packet packet = Codec.Decode(Codec.Binary(envelope, attachments), isBinary: true);
        packet.Arguments.Attachments.ToArray().SelectMany(a => a.ToArray()).Should().Equal(attachments);
    }

    [Fact]
    public void A_text_message_may_have_what_looks_like_a_placeholder() =>
        Codec.Decode("""{"event":"e","data":{"_placeholder":true,"num":0}}""").Arguments.Attachments.Length.Should().Be(0);
}

using System.Text;
using FluentAssertions;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.SocketIO;

public class SocketIORefusalTests
{
    [Theory]
    [InlineData("")]
    [InlineData("4")]
    [InlineData("2")]
    [InlineData("2[\"e\"]")]
    [InlineData("4a")]
    [InlineData("47")]
    [InlineData("49[\"e\"]")]
    [InlineData("4-1")]
    [InlineData("4 2[\"e\"]")]
    public void What_is_no_message_or_no_known_type_is_refused(string text) => Sio.Refuse(text).Code.Should().Be(ErrorCodes.InvalidEnvelope);

    [Theory]
    [InlineData("40[]")]
    [InlineData("40null")]
    [InlineData("40\"x\"")]
    [InlineData("40/admin,[\"a\"]")]
    [InlineData("40true")]
    [InlineData("40/admin{\"a\":1,\"b\":2}")]
    public void The_payload_of_a_connect_is_an_object(string text) => Sio.Refuse(text).Code.Should().Be(ErrorCodes.InvalidEnvelope);

    [Theory]
    [InlineData("42{}")]
    [InlineData("42null")]
    [InlineData("42\"e\"")]
    [InlineData("42[]")]
    [InlineData("42/admin,1[]")]
    [InlineData("42[null]")]
    [InlineData("42[{}]")]
    [InlineData("42[[\"e\"]]")]
    [InlineData("42[true,1]")]
    [InlineData("42[\"connect\"]")]
    [InlineData("42[\"connect_error\"]")]
    [InlineData("42[\"disconnect\",1]")]
    [InlineData("42[\"disconnecting\"]")]
    [InlineData("42[\"newListener\"]")]
    [InlineData("42[\"removeListener\"]")]
    [InlineData("42[\"disc\\u006fnnect\"]")]
    public void An_event_is_an_array_with_a_name_that_is_free(string text) => Sio.Refuse(text).Code.Should().Be(ErrorCodes.InvalidEnvelope);

    [Theory]
    [InlineData("43[]", ErrorCodes.InvalidEnvelope)]
    [InlineData("43", ErrorCodes.InvalidEnvelope)]
    [InlineData("43/admin,[1]", ErrorCodes.InvalidEnvelope)]
    [InlineData("431{}", ErrorCodes.InvalidEnvelope)]
    [InlineData("431\"x\"", ErrorCodes.InvalidEnvelope)]
    [InlineData("439007199254740992[]", ErrorCodes.InvalidEnvelope)]
    [InlineData("4399999999999999999999999999[]", ErrorCodes.InvalidEnvelope)]
    [InlineData("429007199254740992[\"e\"]", ErrorCodes.InvalidEnvelope)]
    [InlineData("43abc[]", ErrorCodes.InvalidEnvelope)]
    [InlineData("43-1[]", ErrorCodes.InvalidEnvelope)]
    [InlineData("431.5[]", ErrorCodes.InvalidJson)]
    [InlineData("431e3[]", ErrorCodes.InvalidJson)]
    public void An_ack_is_an_array_with_an_id_that_is_an_integer(string text, string code) => Sio.Refuse(text).Code.Should().Be(code);

    [Theory]
    [InlineData("41{}")]
    [InlineData("41/admin,[]")]
    [InlineData("41null")]
    [InlineData("44")]
    [InlineData("44{\"message\":\"no\"}")]
    [InlineData("44/admin,{\"message\":\"no\"}")]
    public void A_disconnect_says_nothing_more_and_a_connect_error_is_not_the_clients(string text) => Sio.Refuse(text).Code.Should().Be(ErrorCodes.InvalidEnvelope);

    [Theory]
    [InlineData("42")]
    [InlineData("42/admin")]
    [InlineData("42/admin,1")]
    [InlineData("42[")]
    [InlineData("42[\"e\"")]
    [InlineData("42[\"e\",]")]
    [InlineData("42[\"e\"]]")]
    [InlineData("42[\"e\"][]")]
    [InlineData("42[\"e\" 1]")]
    [InlineData("42['e']")]
    [InlineData("42[\"e\",{\"a\":}]")]
    [InlineData("42[\"e\",NaN]")]
    [InlineData("42[\"e\",01]")]
    [InlineData("42[\"e\"/**/]")]
    [InlineData("42hello")]
    [InlineData("42\ufeff[\"e\"]")]
    [InlineData("42[\"\\ud800\"]")]
    [InlineData("40{")]
    [InlineData("40{\"a\":1}x")]
    [InlineData("40{\"pid\":\"\\ud800\"}")]
    [InlineData("431[1,2")]
    [InlineData("431[1]]")]
    public void What_is_no_json_is_refused(string text) => Sio.Refuse(text).Code.Should().Be(ErrorCodes.InvalidJson);

    [Theory]
    [InlineData("45[\"e\"]")]
    [InlineData("451[\"e\"]")]
    [InlineData("451-[\"e\"]")]
    [InlineData("461-1[]")]
    public void A_text_with_attachments_never_comes_without_them(string text) => Sio.Refuse(text).Code.Should().Be(ErrorCodes.InvalidEnvelope);

    [Theory]
    [InlineData("""452-["e",{"_placeholder":true,"num":2}]""")]
    [InlineData("""452-["e",{"_placeholder":true,"num":-1}]""")]
    [InlineData("""452-["e",{"_placeholder":true,"num":0.5}]""")]
    [InlineData("""452-["e",{"_placeholder":true,"num":"0"}]""")]
    [InlineData("""452-["e",{"_placeholder":true,"num":0,"num":null}]""")]
    [InlineData("""452-["e",{"_placeholder":true,"num":[0]}]""")]
    [InlineData("""452-["e",{"_placeholder":true}]""")]
    [InlineData("""452-["e",{"_placeholder":true,"num":4294967296}]""")]
    [InlineData("""452-["e",1,[{"a":{"b":[{"num":99,"_placeholder":true}]}}]]""")]
    [InlineData("""452-["e",{"_placeholder":{"_placeholder":true,"num":2},"num":0}]""")]
    [InlineData("""452-["e",{"\u005fplaceholder":true,"num":2}]""")]
    [InlineData("""462-1[{"_placeholder":true,"num":2}]""")]
    public void A_placeholder_for_no_attachment_is_refused(string text) => Sio.Refuse(text, [1], [2]).Code.Should().Be(ErrorCodes.InvalidEnvelope);

    [Theory]
    [InlineData(new byte[] { 0x80 })]
    [InlineData(new byte[] { 0xC0, 0xAF })]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 })]
    [InlineData(new byte[] { 0xF4, 0x90, 0x80, 0x80 })]
    [InlineData(new byte[] { 0xE2, 0x82 })]
    public void Invalid_utf8_is_refused_wherever_it_stands(byte[] bad)
    {
        foreach (string template in new[] { "42[\"#\"]", "42[\"e\",\"#\"]", "42/#,[\"e\"]", "40{\"#\":1}", "41/#" })
        {
            int at = template.IndexOf('#', StringComparison.Ordinal);
            Sio.Refuse([.. Encoding.UTF8.GetBytes(template[..at]), .. bad, .. Encoding.UTF8.GetBytes(template[(at + 1)..])]).Code.Should().Be(ErrorCodes.InvalidJson);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("01")]
    [InlineData("05000000")]
    [InlineData("FFFFFFFF")]
    [InlineData("FFFFFF7F00")]
    [InlineData("0300000034325B")]
    [InlineData("020000003432FF")]
    public void A_binary_message_that_was_not_announced_is_refused(string hex)
    {
        Sio.Codec.TryDecode(Convert.FromHexString(hex), isBinary: true, out _, out Packet answer).Should().BeFalse();
        Sio.Codec.IsFatal(answer).Should().BeTrue();
    }

    [Fact]
    public void A_binary_message_has_as_many_attachments_as_its_text_announces()
    {
        (byte[] one, bool isBinary) = Sio.Assemble(Encoding.UTF8.GetBytes("""451-["e",1]"""), [[7]]);
        isBinary.Should().BeTrue();
        Sio.Codec.TryDecode(one, isBinary: true, out _, out _).Should().BeTrue();
        foreach (byte[] wrong in new[] { [.. one, 0, 0, 0, 0], one[..^5], one[..^1] })
        {
            Sio.Codec.TryDecode(wrong, isBinary: true, out _, out Packet answer).Should().BeFalse();
            Sio.Codec.IsFatal(answer).Should().BeTrue();
        }
    }

    [Theory]
    [InlineData(ErrorCodes.InvalidJson, PacketKind.Error, true)]
    [InlineData(ErrorCodes.InvalidEnvelope, PacketKind.Error, true)]
    [InlineData(ErrorCodes.TooLarge, PacketKind.Error, true)]
    [InlineData(ErrorCodes.AlreadyConnected, PacketKind.ConnectError, true)]
    [InlineData(ErrorCodes.NotConnected, PacketKind.Ack, true)]
    [InlineData(ErrorCodes.NotConnected, PacketKind.Error, true)]
    [InlineData(ErrorCodes.UnknownNamespace, PacketKind.Ack, true)]
    [InlineData(ErrorCodes.UnknownNamespace, PacketKind.Error, true)]
    [InlineData(ErrorCodes.UnknownNamespace, PacketKind.ConnectError, false)]
    [InlineData(ErrorCodes.TooManyNamespaces, PacketKind.ConnectError, false)]
    [InlineData(ErrorCodes.ShuttingDown, PacketKind.ConnectError, false)]
    [InlineData(ErrorCodes.ShuttingDown, PacketKind.Ack, false)]
    [InlineData(ErrorCodes.InvalidData, PacketKind.Ack, false)]
    [InlineData(ErrorCodes.UnknownEvent, PacketKind.Ack, false)]
    [InlineData(ErrorCodes.InternalError, PacketKind.Error, false)]
    public void A_breach_of_the_protocol_ends_the_connection(string code, PacketKind kind, bool isFatal) =>
        Sio.Codec.IsFatal(new Packet(kind) { Error = new EventError(code, "No.") }).Should().Be(isFatal);
}

using FluentAssertions;
using WsServer.Tests.Wire;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.SocketIO;

/// <summary>What a client of one protocol says and a client of the other hears.</summary>
public class CodecRoundTripTests
{
    [Theory]
    [InlineData("""{"event":"e","ns":"/n"}""", """42/n,["e"]""")]
    [InlineData("""{"event":"e","data":{"a":"ä😀"},"ns":"/n"}""", """42/n,["e",{"a":"ä😀"}]""")]
    [InlineData("""{"event":"e","data":[1,2],"id":7,"ns":"/n"}""", """42/n,7["e",[1,2]]""")]
    [InlineData("""{"event":"e","args":[1,"b",null],"id":0,"ns":"/"}""", """420["e",1,"b",null]""")]
    [InlineData("""{"ack":7,"ns":"/n"}""", """43/n,7[]""")]
    [InlineData("""{"ack":7,"data":[],"ns":"/"}""", """437[[]]""")]
    [InlineData("""{"ack":7,"args":[1,2],"ns":"/n"}""", """43/n,7[1,2]""")]
    [InlineData("""{"disconnect":"/n"}""", """41/n,""")]
    public void A_packet_is_the_same_in_both(string json, string text)
    {
        Packet fromJson = Codec.Decode(json);
        Packet fromText = Sio.Decode(text);
        Sio.Encode(fromJson).Should().Equal(text);
        Codec.Encode(fromText, home: "").Should().Be(json);
        PacketAssert.Same(fromJson, fromText);
        PacketAssert.Same(fromText, Sio.Again(fromText));
    }

    [Theory]
    [InlineData("""{"event":"up","args":[{"_placeholder":true,"num":1},{"x":{"_placeholder":true,"num":0}}],"id":4,"ns":"/n","bin":[2,1]}""",
        """452-/n,4["up",{"_placeholder":true,"num":1},{"x":{"_placeholder":true,"num":0}}]""")]
    [InlineData("""{"event":"up","data":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}],"ns":"/","bin":[2,1]}""",
        """452-["up",[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]]""")]
    [InlineData("""{"ack":4,"args":[{"_placeholder":true,"num":0},1,{"_placeholder":true,"num":1}],"ns":"/n","bin":[2,1]}""",
        """462-/n,4[{"_placeholder":true,"num":0},1,{"_placeholder":true,"num":1}]""")]
    public void So_is_one_with_attachments(string envelope, string text)
    {
        byte[] binary = Codec.Binary(envelope, 1, 2, 3);
        Packet fromJson = Codec.Decode(binary, isBinary: true);
        Packet fromText = Sio.Decode(text, [1, 2], [3]);
        Sio.Encode(fromJson).Should().Equal(text, "0102", "03");
        PacketAssert.Same(fromJson, fromText);
        PacketAssert.Same(fromText, Sio.Again(fromText));
        EncodedPacket encoded = Codec.Json.BinaryForm.Encode(fromText, home: "")!;
        encoded.IsBinary.Should().BeTrue();
        PacketAssert.Same(fromJson, Codec.Decode(encoded.Payload.ToArray(), isBinary: true));
    }

    [Fact]
    public void A_client_that_takes_no_binary_gets_base64() =>
        Codec.Encode(Sio.Decode("""451-["up",{"file":{"_placeholder":true,"num":0}}]""", [1, 2, 3])).Should().Be("""{"event":"up","data":{"file":"AQID"}}""");
}

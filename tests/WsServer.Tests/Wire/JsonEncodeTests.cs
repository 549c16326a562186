using System.Text.Json.Nodes;
using FluentAssertions;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Wire;

public class JsonEncodeTests
{
    private static readonly EventError Full = new("room_full", "The room is full.");

    [Fact]
    public void An_event_with_one_argument_has_data() =>
        Codec.Encode(Event("hello", Codec.Serializer.Write("world")) with { Id = new PacketId(7) }).Should().Be("""{"event":"hello","data":"world","id":7}""");

    [Fact]
    public void An_event_with_several_arguments_has_args() =>
        Codec.Encode(Event("add", Codec.Serializer.Write(1, "two", new { three = 3 }))).Should().Be("""{"event":"add","args":[1,"two",{"three":3}]}""");

    [Fact]
    public void An_event_without_arguments_has_neither_data_nor_args()
    {
        Codec.Encode(Event("tick", default)).Should().Be("""{"event":"tick"}""");
        Codec.Encode(Event("tick", Codec.Serializer.WriteAll())).Should().Be("""{"event":"tick"}""");
    }

    [Fact]
    public void One_argument_that_is_an_array_or_null_is_data()
    {
        Codec.Encode(Event("list", Codec.Serializer.Write(new[] { 1, 2 }))).Should().Be("""{"event":"list","data":[1,2]}""");
        Codec.Encode(Event("list", Codec.Serializer.WriteAll(new object?[] { null }))).Should().Be("""{"event":"list","data":null}""");
    }

    [Theory]
    [InlineData("/", "/", """{"event":"e"}""")]
    [InlineData("/news", "/", """{"event":"e","ns":"/news"}""")]
    [InlineData("/news", "/news", """{"event":"e"}""")]
    [InlineData("/", "/news", """{"event":"e","ns":"/"}""")]
    [InlineData(null, "/news", """{"event":"e"}""")]
    public void The_namespace_is_left_out_where_it_is_the_connections_own(string? ns, string home, string expected) =>
        Codec.Encode(Event("e", default) with { Namespace = ns }, home).Should().Be(expected);

    [Fact]
    public void Ids_come_back_as_they_were()
    {
        Codec.Encode(Ack(new PacketId(0))).Should().Be("""{"ack":0}""");
        Codec.Encode(Ack(new PacketId(PacketId.MaxNumber))).Should().Be("""{"ack":9007199254740991}""");
        Codec.Encode(Ack(new PacketId(""))).Should().Be("""{"ack":""}""");
        Codec.Encode(Ack(new PacketId("a\"b"))).Should().Be("""{"ack":"a\"b"}""");
    }

    [Fact]
    public void An_ack_has_data_args_or_an_error()
    {
        Codec.Encode(Ack(new PacketId(1)) with { Arguments = Codec.Serializer.Write(new { ok = true }) }).Should().Be("""{"ack":1,"data":{"ok":true}}""");
        Codec.Encode(Ack(new PacketId(1)) with { Arguments = Codec.Serializer.Write(1, 2), Namespace = "/n" }).Should().Be("""{"ack":1,"args":[1,2],"ns":"/n"}""");
        Codec.Encode(Ack(new PacketId(1)) with { Error = Full, Namespace = "/n" })
            .Should().Be("""{"ack":1,"error":{"code":"room_full","message":"The room is full."},"ns":"/n"}""");
    }

    [Fact]
    public void An_error_carries_its_details()
    {
        var details = new JsonObject { ["limit"] = 2, ["path"] = "$.x", ["nothing"] = null, ["more"] = new JsonArray(1, "b") };
        Codec.Encode(new Packet(PacketKind.Error) { Error = Full with { Details = details } })
            .Should().Be("""{"error":{"code":"room_full","message":"The room is full.","limit":2,"path":"$.x","nothing":null,"more":[1,"b"]}}""");
    }

    [Fact]
    public void Connected_names_the_namespace_also_where_it_is_the_connections_own() =>
        Codec.Encode(new Packet(PacketKind.Connected) { Namespace = "/chat", Sid = "hG2" }, "/chat").Should().Be("""{"connected":"/chat","sid":"hG2"}""");

    [Fact]
    public void A_connect_error_names_the_namespace() =>
        Codec.Encode(new Packet(PacketKind.ConnectError) { Namespace = "/chat", Error = Full }, "/chat")
            .Should().Be("""{"connect_error":"/chat","error":{"code":"room_full","message":"The room is full."}}""");

    [Fact]
    public void Disconnect_says_why() =>
        Codec.Encode(new Packet(PacketKind.Disconnect) { Namespace = "/news", Reason = DisconnectReason.ClientNamespaceDisconnect })
            .Should().Be("""{"disconnect":"/news","reason":"client namespace disconnect"}""");

    [Theory]
    [InlineData("1")]
    [InlineData("null")]
    [InlineData("""{"a":[1.50,"ü"]}""")]
    public void A_pong_echoes_the_ping(string value) =>
        Codec.Encode(new Packet(PacketKind.Pong) { Arguments = Codec.Decode($$"""{"ping":{{value}}}""").Arguments }).Should().Be($$"""{"pong":{{value}}}""");

    [Theory]
    [InlineData(PacketKind.Connect)]
    [InlineData(PacketKind.Ping)]
    public void What_only_a_client_says_is_not_encoded(PacketKind kind) =>
        ((Action)(() => Codec.Json.Encode(new Packet(kind) { Namespace = "/" }, "/"))).Should().Throw<ArgumentException>();

    [Fact]
    public void Only_what_json_demands_is_escaped() =>
        Codec.Encode(Event("grüße", Codec.Serializer.Write("<b>ä€字😀'&+\u2028</b>\"\\\n\u0001")))
            .Should().Be("{\"event\":\"grüße\",\"data\":\"<b>ä€字😀'&+\\u2028</b>\\\"\\\\\\n\\u0001\"}");

    [Fact]
    public void Half_a_surrogate_pair_becomes_a_replacement_character() =>
        Codec.Encode(Event("a\ud800b", Codec.Serializer.Write("\udc00")) with { Id = new PacketId("\ud83d") })
            .Should().Be("{\"event\":\"a\ufffdb\",\"data\":\"\ufffd\",\"id\":\"\ufffd\"}");

    [Fact]
    public void Attachments_stand_behind_the_envelope_for_a_client_that_takes_binary()
    {
        JsonArguments arguments = Codec.Serializer.Write(new { a = new byte[] { 1, 2, 3 }, b = Array.Empty<byte>(), c = new byte[] { 0 } });
        EncodedPacket encoded = Codec.Json.BinaryForm.Encode(Event("file", arguments) with { Namespace = "/n" }, "/")!;
        encoded.IsBinary.Should().BeTrue();
        const string Envelope = """{"event":"file","data":{"a":{"_placeholder":true,"num":0},"b":{"_placeholder":true,"num":1},"c":{"_placeholder":true,"num":2}},"ns":"/n","bin":[3,0,1]}""";
        encoded.Payload.ToArray().Should().Equal(Codec.Binary(Envelope, 1, 2, 3, 0));
    }

    [Fact]
    public void Attachments_are_base64_for_a_client_that_does_not()
    {
        JsonArguments arguments = Codec.Serializer.Write(new byte[] { 251, 255 }, "x", Array.Empty<byte>());
        Codec.Encode(Event("file", arguments)).Should().Be("""{"event":"file","args":["+/8=","x",""]}""");
    }

    [Fact]
    public void Without_attachments_a_client_that_takes_binary_gets_text() =>
        Codec.Json.BinaryForm.Encode(Event("e", Codec.Serializer.Write(1)), "/")!.IsBinary.Should().BeFalse();

    [Fact]
    public void Received_attachments_are_relayed_in_either_form()
    {
        byte[] message = Codec.Binary("""{"event":"f","args":[{"_placeholder":true,"num":1}, {"x":{"num":0,"_placeholder":true}}],"bin":[1,2]}""", 7, 8, 9);
        Packet packet = Codec.Decode(message, isBinary: true);
        Codec.Encode(packet).Should().Be("""{"event":"f","args":["CAk=", {"x":"Bw=="}]}""");
        Packet again = Codec.Decode(Codec.Json.BinaryForm.Encode(packet, "/")!.Payload.ToArray(), isBinary: true);
        again.Arguments.Attachments[0].ToArray().Should().Equal(7);
        again.Arguments.Attachments[1].ToArray().Should().Equal(8, 9);
    }

    // What looks like a placeholder around a placeholder is an object like any other.
    [Theory]
    [InlineData("""{"_placeholder":{"_placeholder":true,"num":0}}""", """{"_placeholder":"Bw=="}""")]
    [InlineData("""{"num":0,"_placeholder":{"_placeholder":true,"num":0}}""", """{"num":0,"_placeholder":"Bw=="}""")]
    [InlineData("""{"_placeholder":true,"num":{"_placeholder":true,"num":0}}""", """{"_placeholder":true,"num":"Bw=="}""")]
    [InlineData("""{"_placeholder":true,"num":0,"more":1,"x":{"_placeholder":true,"num":0}}""", """{"_placeholder":true,"num":0,"more":1,"x":"Bw=="}""")]
    public void A_placeholder_within_what_looks_like_one_is_relayed_as_valid_json(string data, string expected)
    {
        Packet packet = Codec.Decode(Codec.Binary($$"""{"event":"f","data":{{data}},"bin":[1]}""", 7), isBinary: true);
        Codec.Encode(packet).Should().Be($$"""{"event":"f","data":{{expected}}}""");
    }

    [Fact]
    public void A_packet_is_encoded_once_for_each_codec_and_once_more_for_its_home()
    {
        using OutgoingPacket outgoing = OutgoingPacket.Rent(Event("e", Codec.Serializer.Write(1)) with { Namespace = "/n" });
        EncodedPacket? first = outgoing.For(Codec.Json, "/");
        outgoing.For(Codec.Json, "/other").Should().BeSameAs(first);
        EncodedPacket? home = outgoing.For(Codec.Json, "/n");
        home.Should().NotBeSameAs(first);
        outgoing.For(Codec.Json, "/n").Should().BeSameAs(home);
        outgoing.For(Codec.Json.BinaryForm, "/n").Should().NotBeSameAs(home);
    }

    private static Packet Event(string name, JsonArguments arguments) => new(PacketKind.Event) { Event = name, Arguments = arguments };

    private static Packet Ack(PacketId id) => new(PacketKind.Ack) { Id = id };
}

using System.Text.Json.Nodes;
using FluentAssertions;
using WsServer.Tests.Wire;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.SocketIO;

public class SocketIOEncodeTests
{
    private static readonly EventError Full = new("room_full", "The room is full.");

    [Fact]
    public void An_event_is_an_array_that_begins_with_its_name()
    {
        Sio.Encode(Event("tick", default)).Should().Equal("""42["tick"]""");
        Sio.Encode(Event("hello", Codec.Serializer.Write("world"))).Should().Equal("""42["hello","world"]""");
        Sio.Encode(Event("add", Codec.Serializer.Write(1, "two", new { three = 3 }))).Should().Equal("""42["add",1,"two",{"three":3}]""");
        Sio.Encode(Event("list", Codec.Serializer.Write(new[] { 1, 2 }))).Should().Equal("""42["list",[1,2]]""");
        Sio.Encode(Event("a\"b 😀", Codec.Serializer.Write("ä€😀"))).Should().Equal("""42["a\"b 😀","ä€😀"]""");
    }

    [Theory]
    [InlineData(null, "", """421["e"]""")]
    [InlineData("/", "", """421["e"]""")]
    [InlineData("/", "/news", """421["e"]""")]
    [InlineData("/news", "", """42/news,1["e"]""")]
    [InlineData("/news", "/news", """42/news,1["e"]""")]
    [InlineData("/größe?a=b", "", """42/größe?a=b,1["e"]""")]
    public void A_namespace_other_than_the_root_stands_before_the_id(string? ns, string home, string expected) =>
        Sio.Encode(Event("e", default) with { Namespace = ns, Id = new PacketId(1) }, home).Should().Equal(expected);

    [Fact]
    public void An_event_that_can_be_replayed_ends_with_its_place()
    {
        Recoverable(Event("e", default) with { Seq = 1 }).Should().Equal("""42["e","1"]""");
        Recoverable(Event("e", default)).Should().Equal("""42["e"]""");
        Recoverable(Event("e", Codec.Serializer.Write(1, 2)) with { Seq = long.MaxValue, Namespace = "/n" }).Should().Equal("""42/n,["e",1,2,"9223372036854775807"]""");
        Recoverable(Event("upload", Codec.Serializer.Write(new byte[] { 1 })) with { Seq = 9 }).Should().Equal("""451-["upload",{"_placeholder":true,"num":0},"9"]""", "01");
        Recoverable(new Packet(PacketKind.Connected) { Namespace = "/n", Sid = "abc", Session = "def" }).Should().Equal("""40/n,{"sid":"abc","pid":"def"}""");
        Recoverable(new Packet(PacketKind.Connected) { Namespace = "/n", Sid = "abc" }).Should().Equal("""40/n,{"sid":"abc"}""");
        Sio.RecoveringCodec.SupportsRecovery.Should().BeTrue();
    }

    [Fact]
    public void Without_recovery_nobody_hears_of_it()
    {
        Sio.Encode(Event("e", Codec.Serializer.Write(1)) with { Seq = 1 }).Should().Equal("""42["e",1]""");
        Sio.Encode(new Packet(PacketKind.Connected) { Namespace = "/n", Sid = "abc", Session = "def" }).Should().Equal("""40/n,{"sid":"abc"}""");
        Sio.Codec.SupportsRecovery.Should().BeFalse();
    }

    [Fact]
    public void An_ack_is_an_array_of_its_arguments()
    {
        Sio.Encode(Ack(0)).Should().Equal("430[]");
        Sio.Encode(Ack(PacketId.MaxNumber) with { Arguments = Codec.Serializer.Write(new { ok = true }) }).Should().Equal("""439007199254740991[{"ok":true}]""");
        Sio.Encode(Ack(7) with { Namespace = "/n", Arguments = Codec.Serializer.Write(1, "b") }).Should().Equal("""43/n,7[1,"b"]""");
    }

    [Fact]
    public void An_ack_of_an_error_has_it_as_its_one_argument()
    {
        Sio.Encode(Ack(7) with { Error = Full }).Should().Equal("""437[{"error":{"code":"room_full","message":"The room is full."}}]""");
        var details = new JsonObject { ["limit"] = 2, ["code"] = "hidden", ["nothing"] = null, ["more"] = new JsonArray(1, "b") };
        Sio.Encode(Ack(7) with { Namespace = "/n", Error = Full with { Details = details } })
            .Should().Equal("""43/n,7[{"error":{"code":"room_full","message":"The room is full.","limit":2,"nothing":null,"more":[1,"b"]}}]""");
    }

    [Fact]
    public void Attachments_follow_the_text_in_order()
    {
        JsonArguments arguments = Codec.Serializer.Write(new { file = new byte[] { 1, 2 } }, new byte[] { 255 }, Array.Empty<byte>());
        Sio.Encode(Event("upload", arguments) with { Namespace = "/n", Id = new PacketId(5) }).Should().Equal(
            """453-/n,5["upload",{"file":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}]""", "0102", "FF", "");
        Sio.Encode(Ack(5) with { Arguments = Codec.Serializer.Write(new byte[] { 1 }) }).Should().Equal("""461-5[{"_placeholder":true,"num":0}]""", "01");
    }

    [Fact]
    public void Connected_tells_the_sid()
    {
        Sio.Encode(new Packet(PacketKind.Connected) { Namespace = "/", Sid = "abc" }).Should().Equal("""40{"sid":"abc"}""");
        Sio.Encode(new Packet(PacketKind.Connected) { Namespace = "/n", Sid = "abc" }).Should().Equal("""40/n,{"sid":"abc"}""");
    }

    [Fact]
    public void A_connect_error_says_why()
    {
        Sio.Encode(ConnectError("/n", Full)).Should().Equal("""44/n,{"message":"The room is full.","data":{"code":"room_full"}}""");
        Sio.Encode(ConnectError("/", Full with { Details = [] })).Should().Equal("""44{"message":"The room is full.","data":{"code":"room_full"}}""");
        Sio.Encode(ConnectError("/n", Full with { Details = new JsonObject { ["limit"] = 2 } })).Should().Equal("""44/n,{"message":"The room is full.","data":{"limit":2}}""");
        Sio.Encode(ConnectError("/x", new EventError(ErrorCodes.UnknownNamespace, "There is no namespace '/x'.", new JsonObject { ["ns"] = "/x" })))
            .Should().Equal("""44/x,{"message":"Invalid namespace"}""");
    }

    [Fact]
    public void The_server_says_when_it_puts_a_client_out()
    {
        Sio.Encode(Disconnect("/", DisconnectReason.ServerNamespaceDisconnect)).Should().Equal("41");
        Sio.Encode(Disconnect("/n", DisconnectReason.ServerNamespaceDisconnect)).Should().Equal("41/n,");
        Sio.Encode(Disconnect("/n", null)).Should().Equal("41/n,");
        Sio.Encode(Disconnect("/n", DisconnectReason.ClientNamespaceDisconnect)).Should().BeEmpty();
    }

    [Theory]
    [InlineData(PacketKind.Error)]
    [InlineData(PacketKind.Pong)]
    [InlineData(PacketKind.Ping)]
    [InlineData(PacketKind.Connect)]
    public void For_other_packets_there_is_no_word(PacketKind kind) =>
        Sio.Codec.Encode(new Packet(kind) { Namespace = "/n", Error = Full, Arguments = Codec.Serializer.Write(1) }, home: "").Should().BeNull();

    [Fact]
    public void An_id_is_an_integer() =>
        this.Invoking(_ => Sio.Encode(Event("e", default) with { Id = new PacketId("a") })).Should().Throw<ArgumentException>();

    [Fact]
    public void An_event_is_written_without_allocating()
    {
        Packet packet = Event("hello", Codec.Serializer.Write(1, "two")) with { Namespace = "/news", Id = new PacketId(1), Seq = 123_456 };
        Sio.RecoveringCodec.Encode(packet, home: "")!.Release();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
        {
            Sio.RecoveringCodec.Encode(packet, home: "")!.Release();
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    private static string[] Recoverable(Packet packet) => Sio.Encode(packet, codec: Sio.RecoveringCodec);

    private static Packet Event(string name, JsonArguments arguments) => new(PacketKind.Event) { Namespace = "/", Event = name, Arguments = arguments };

    private static Packet Ack(long id) => new(PacketKind.Ack) { Namespace = "/", Id = new PacketId(id) };

    private static Packet ConnectError(string ns, EventError error) => new(PacketKind.ConnectError) { Namespace = ns, Error = error };

    private static Packet Disconnect(string ns, DisconnectReason? reason) => new(PacketKind.Disconnect) { Namespace = ns, Reason = reason };
}

using System.Text;
using FluentAssertions;
using WsServer.Tests.Wire;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.SocketIO;

public class SocketIODecodeTests
{
    [Theory]
    [InlineData("""42["hello"]""", "/", "hello", null, 0, "")]
    [InlineData("""42["hello",1]""", "/", "hello", null, 1, "1")]
    [InlineData("""42["hello",null]""", "/", "hello", null, 1, "null")]
    [InlineData("""42["hello",[1,2]]""", "/", "hello", null, 1, "[1,2]")]
    [InlineData("""42["hello",1,"two",{"three":[3]}]""", "/", "hello", null, 3, """[1,"two",{"three":[3]}]""")]
    [InlineData("""4212["hello",{"a":1}]""", "/", "hello", 12L, 1, """{"a":1}""")]
    [InlineData("""42007["hello"]""", "/", "hello", 7L, 0, "")]
    [InlineData("""420["hello"]""", "/", "hello", 0L, 0, "")]
    [InlineData("""429007199254740991["hello"]""", "/", "hello", 9007199254740991L, 0, "")]
    [InlineData("""42/admin,["hello","x"]""", "/admin", "hello", null, 1, "\"x\"")]
    [InlineData("""42/admin,456["hello","x"]""", "/admin", "hello", 456L, 1, "\"x\"")]
    [InlineData("""42/,["hello"]""", "/", "hello", null, 0, "")]
    [InlineData("""42/a?token=b,["hello"]""", "/a?token=b", "hello", null, 0, "")]
    [InlineData("""42/größe,["grüße","字😀"]""", "/größe", "grüße", null, 1, "\"字😀\"")]
    [InlineData("""42["h\u00e4\"","\ud800"]""", "/", "hä\"", null, 1, "\"\\ud800\"")]
    [InlineData("""42[ "hello" , 1 , 2 ] """, "/", "hello", null, 2, "[1 , 2]")]
    [InlineData("""42[5,1]""", "/", "5", null, 1, "1")]
    [InlineData("""42[-1.5e3]""", "/", "-1.5e3", null, 0, "")]
    [InlineData("""42["",1]""", "/", "", null, 1, "1")]
    [InlineData("""42["error"]""", "/", "error", null, 0, "")]
    [InlineData("""42["$x"]""", "/", "$x", null, 0, "")]
    [InlineData("""42["e",{"_placeholder":true,"num":3}]""", "/", "e", null, 1, """{"_placeholder":true,"num":3}""")]
    public void An_event_is_an_array_that_begins_with_its_name(string text, string ns, string name, long? id, int count, string arguments)
    {
        Packet packet = Sio.Decode(text);
        packet.Kind.Should().Be(PacketKind.Event);
        packet.Namespace.Should().Be(ns);
        packet.Event.Should().Be(name);
        packet.Id.Should().Be(id is { } number ? new PacketId(number) : default);
        packet.Arguments.Count.Should().Be(count);
        packet.Arguments.Text().Should().Be(arguments);
        packet.Arguments.Attachments.Length.Should().Be(0);
        packet.Seq.Should().Be(0);
    }

    [Theory]
    [InlineData("""430[]""", "/", 0L, 0, "")]
    [InlineData("""4312["ok"]""", "/", 12L, 1, "\"ok\"")]
    [InlineData("""43/admin,007[ 1, 2 ]""", "/admin", 7L, 2, "[ 1, 2 ]")]
    [InlineData("""431[null]""", "/", 1L, 1, "null")]
    [InlineData("""431[{"error":{"code":"x","message":"y"}}]""", "/", 1L, 1, """{"error":{"code":"x","message":"y"}}""")]
    [InlineData("""431""", "/", 1L, 0, "")]
    public void An_ack_is_an_array_of_its_arguments(string text, string ns, long id, int count, string arguments)
    {
        Packet packet = Sio.Decode(text);
        packet.Kind.Should().Be(PacketKind.Ack);
        packet.Namespace.Should().Be(ns);
        packet.Id.Should().Be(new PacketId(id));
        packet.Arguments.Count.Should().Be(count);
        packet.Arguments.Text().Should().Be(arguments);
        packet.Error.Should().BeNull();
    }

    [Theory]
    [InlineData("40", "/", "")]
    [InlineData("40{}", "/", "{}")]
    [InlineData("""40{"token":"123"}""", "/", """{"token":"123"}""")]
    [InlineData("40/admin", "/admin", "")]
    [InlineData("40/admin,", "/admin", "")]
    [InlineData("40/admin?token=1,", "/admin?token=1", "")]
    [InlineData("""40/admin, {"token":{"a":[1]}} """, "/admin", """{"token":{"a":[1]}}""")]
    [InlineData("""40/admin,12{"a":1}""", "/admin", """{"a":1}""")]
    public void A_connect_may_bring_an_object(string text, string ns, string auth)
    {
        Packet packet = Sio.Decode(text);
        packet.Kind.Should().Be(PacketKind.Connect);
        packet.Namespace.Should().Be(ns);
        packet.Arguments.Count.Should().Be(auth.Length > 0 ? 1 : 0);
        packet.Arguments.Text().Should().Be(auth);
        packet.Session.Should().BeNull();
        packet.Seq.Should().Be(0);
    }

    [Theory]
    [InlineData("""{"pid":"abc","offset":"17"}""", "abc", 17)]
    [InlineData("""{"offset":"17","token":{"pid":"x"},"pid":"abc"}""", "abc", 17)]
    [InlineData("""{"pid":"abc"}""", "abc", 0)]
    [InlineData("""{"offset":"17"}""", null, 17)]
    [InlineData("""{"pid":1,"offset":17}""", null, 0)]
    [InlineData("""{"pid":{"pid":"abc"},"offset":["17"]}""", null, 0)]
    [InlineData("""{"pid":"abc","offset":"-17"}""", "abc", 0)]
    [InlineData("""{"pid":"abc","offset":" 17"}""", "abc", 0)]
    [InlineData("""{"pid":"abc","offset":"1700000000000-0"}""", "abc", 0)]
    [InlineData("""{"pid":"abc","offset":"99999999999999999999"}""", "abc", 0)]
    public void A_connect_may_ask_for_what_was_missed(string auth, string? session, long seq)
    {
        Packet packet = Sio.Decode($"40/n,{auth}");
        packet.Session.Should().Be(session);
        packet.Seq.Should().Be(seq);
        packet.Arguments.Text().Should().Be(auth);
    }

    [Theory]
    [InlineData("41", "/")]
    [InlineData("41/admin", "/admin")]
    [InlineData("41/admin,", "/admin")]
    [InlineData("41/admin,1", "/admin")]
    public void A_disconnect_names_the_namespace(string text, string ns) =>
        Sio.Decode(text).Should().Be(new Packet(PacketKind.Disconnect) { Namespace = ns });

    [Fact]
    public void A_binary_event_has_its_attachments_and_the_placeholders_as_they_are()
    {
        const string Arguments = """[{"num":1,"_placeholder":true},"x",{"file":{"_placeholder":true,"num":0}}]""";
        Packet packet = Sio.Decode("""452-/admin,3["upload",""" + Arguments[1..], [1, 2], []);
        packet.Kind.Should().Be(PacketKind.Event);
        packet.Namespace.Should().Be("/admin");
        packet.Event.Should().Be("upload");
        packet.Id.Should().Be(new PacketId(3));
        packet.Arguments.Count.Should().Be(3);
        packet.Arguments.Text().Should().Be(Arguments);
        packet.Arguments.Attachments.ToArray().Select(a => a.ToArray()).Should().BeEquivalentTo(new byte[][] { [1, 2], [] });
        Codec.Serializer.Read<byte[]>(packet.Arguments, 0).Should().BeEmpty();
        Codec.Serializer.Read<Dictionary<string, byte[]>>(packet.Arguments, 2)["file"].Should().Equal(1, 2);
    }

    [Fact]
    public void A_binary_ack_has_its_attachments_too()
    {
        Packet packet = Sio.Decode("""4601-/admin,7[{"_placeholder":true,"num":0}]""", [1, 2, 3]);
        packet.Kind.Should().Be(PacketKind.Ack);
        packet.Id.Should().Be(new PacketId(7));
        Codec.Serializer.Read<byte[]>(packet.Arguments).Should().Equal(1, 2, 3);
    }

    // What the reference's server lets pass as well.
    [Theory]
    [InlineData("""452-["e",{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}]""")]
    [InlineData("""452-["e",{"_placeholder":false,"num":9},{"_placeholder":1},{"num":"x"}]""")]
    [InlineData("""452-["e",{"_placeholder":true,"num":0,"more":[]},{"num":7,"num":1,"_placeholder":true}]""")]
    [InlineData("""452-["e",1]""")]
    public void Attachments_need_not_stand_in_the_arguments_exactly_once(string text) =>
        Sio.Decode(text, [1], [2]).Arguments.Attachments.Length.Should().Be(2);

    [Fact]
    public void Attachments_of_no_arguments_are_nowhere() => Sio.Decode("""451-["e"]""", [1]).Arguments.Attachments.Length.Should().Be(0);

    [Fact]
    public void Names_that_are_known_are_not_made_anew()
    {
        string name = new('e', 20);
        string ns = new("/n" + new string('s', 20));
        Sio.Names.Add(name);
        Sio.Names.Add(ns);
        Packet packet = Sio.Decode($"42{ns},[\"{name}\",1]");
        packet.Event.Should().BeSameAs(name);
        packet.Namespace.Should().BeSameAs(ns);
    }

    [Fact]
    public void An_event_with_one_argument_is_read_without_allocating()
    {
        Sio.Names.Add("known");
        Sio.Names.Add("/known");
        byte[] message = Encoding.UTF8.GetBytes("""42/known,17["known",{"text":"hello","list":[1,2,3]}]""");
        Sio.Codec.TryDecode(message, isBinary: false, out Packet packet, out _).Should().BeTrue();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
        {
            Sio.Codec.TryDecode(message, isBinary: false, out packet, out _);
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
        packet.Arguments.Text().Should().StartWith("{\"text\"");
    }

    [Fact]
    public void Json_may_nest_as_deep_as_allowed()
    {
        string deepest = new string('[', Sio.MaxDepth - 1) + new string(']', Sio.MaxDepth - 1);
        Sio.Decode($"42[\"e\",{deepest}]").Arguments.Text().Should().Be(deepest);
        Sio.Refuse($"42[\"e\",[{deepest}]]").Code.Should().Be(ErrorCodes.InvalidJson);
    }

    [Fact]
    public void Names_may_be_as_long_as_allowed()
    {
        string name = new('n', 256);
        Sio.Decode($"42[\"{name}\"]").Event.Should().Be(name);
        Sio.Decode($"40/{name[1..]},").Namespace.Should().Be("/" + name[1..]);
        Sio.Refuse($"42[\"{name}n\"]").Code.Should().Be(ErrorCodes.InvalidEnvelope);
        Sio.Refuse($"40/{name},").Code.Should().Be(ErrorCodes.InvalidEnvelope);
    }
}

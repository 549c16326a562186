using System.Text;
using System.Text.Json;
using FluentAssertions;
using Xunit;

namespace WsServer.Tests.Wire;

public class JsonRefusalTests
{
    [Theory]
    [InlineData("", 0)]
    [InlineData(" ", 1)]
    [InlineData("hello", 0)]
    [InlineData("{", 1)]
    [InlineData("""{"event":"e"}x""", 13)]
    [InlineData("""{"event":"e"}{}""", 13)]
    [InlineData("""{"event":"e",}""", 13)]
    [InlineData("""{"event":"e" "id":1}""", 13)]
    [InlineData("{\n\"event\":\n  'e'}", 13)]
    [InlineData("""{"event":"e","id":01}""", 19)]
    [InlineData("""{"event":"e","data":NaN}""", 20)]
    [InlineData("""{"event":"e"/**/}""", 12)]
    [InlineData("{\"event\":\"a\nb\"}", 11)]
    [InlineData("""{"event":"e","data":[1,2}}""", 24)]
    [InlineData("\ufeff{\"event\":\"e\"}", 0)]
    public void What_is_no_json_is_answered_with_the_position(string text, int position)
    {
        JsonElement answer = Codec.Refuse(text);
        answer.Summary().Should().Be("invalid_json");
        answer.GetProperty("error").GetProperty("position").GetInt32().Should().Be(position);
    }

    [Theory]
    [InlineData(new byte[] { 0x80 })]
    [InlineData(new byte[] { 0xC0, 0xAF })]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 })]
    [InlineData(new byte[] { 0xF4, 0x90, 0x80, 0x80 })]
    [InlineData(new byte[] { 0xE2, 0x82 })]
    public void Invalid_utf8_is_no_json_wherever_it_stands(byte[] bad)
    {
        foreach (string template in new[] { """{"event":"#"}""", """{"event":"e","data":"#"}""", """{"event":"e","#":1}""", """{"event":"e","id":"#"}""", "#" })
        {
            int at = template.IndexOf('#', StringComparison.Ordinal);
            byte[] text = [.. Encoding.UTF8.GetBytes(template[..at]), .. bad, .. Encoding.UTF8.GetBytes(template[(at + 1)..])];
            Codec.Refuse(text, isBinary: false).Summary().Should().Be("invalid_json");
            Codec.Refuse([.. text, 0], isBinary: true).Summary().Should().Be("invalid_json");
        }
    }

    // An escape of half a surrogate pair is JSON by its grammar, but no text: refused where the server reads the text.
    [Theory]
    [InlineData("""{"event":"\ud800"}""")]
    [InlineData("""{"event":"a\udc00b","id":1}""")]
    [InlineData("""{"event":"\ud83d\ud83d"}""")]
    [InlineData("""{"event":"e","id":"\ud800"}""")]
    [InlineData("""{"event":"e","ns":"/\ud800"}""")]
    [InlineData("""{"connect":"/\ud800"}""")]
    [InlineData("""{"disconnect":"/\ud800"}""")]
    [InlineData("""{"ack":"\ud800"}""")]
    [InlineData("""{"ack":1,"error":{"code":"\ud800"}}""")]
    [InlineData("""{"ack":1,"error":{"message":"\ud800"}}""")]
    [InlineData("""{"ack":1,"error":{"more":["\ud800"]}}""")]
    [InlineData("""{"ack":1,"error":{"\ud800":1}}""")]
    public void Half_a_surrogate_pair_is_refused_where_it_is_read(string text) => Codec.Refuse(text).Summary().Should().Be("invalid_json");

    [Theory]
    [InlineData("""{"event":"e","data":"\ud800"}""")]
    [InlineData("""{"event":"e","data":{"\ud800":1}}""")]
    [InlineData("""{"event":"e","args":["\udc00",1]}""")]
    [InlineData("""{"connect":"/n","auth":"\ud800"}""")]
    [InlineData("""{"ping":"\ud800"}""")]
    [InlineData("""{"event":"e","unknown":"\ud800"}""")]
    public void Half_a_surrogate_pair_passes_where_nobody_reads_it(string text) => Codec.Decode(text).Should().NotBeNull();

    [Theory]
    [InlineData("[]")]
    [InlineData("1")]
    [InlineData("null")]
    [InlineData("\"event\"")]
    [InlineData("""[{"event":"e"}]""")]
    [InlineData("{}")]
    [InlineData("""{"data":1,"id":1}""")]
    [InlineData("""{"id":1}""")]
    [InlineData("""{"ack":1,"data":1,"args":[]}""")]
    [InlineData("""{"ack":1,"data":1,"error":{}}""")]
    [InlineData("""{"ack":1,"args":[],"error":{}}""")]
    [InlineData("""{"ack":1,"error":"no"}""")]
    [InlineData("""{"ack":1,"error":null}""")]
    [InlineData("""{"ack":1,"ack":1}""")]
    [InlineData("""{"ack":1,"ping":1}""")]
    [InlineData("""{"ping":1,"pong":1}""")]
    [InlineData("""{"ping":1,"ping":1}""")]
    [InlineData("""{"connected":"/"}""")]
    [InlineData("""{"connect_error":"/","error":{}}""")]
    [InlineData("""{"error":{"code":"a","message":"b"}}""")]
    [InlineData("""{"error":1}""")]
    [InlineData("""{"connect":"/a","disconnect":"/b"}""")]
    [InlineData("""{"connect":""}""")]
    [InlineData("""{"connect":"news"}""")]
    [InlineData("""{"connect":1}""")]
    [InlineData("""{"connect":null}""")]
    [InlineData("""{"disconnect":true}""")]
    [InlineData("""{"disconnect":"news"}""")]
    [InlineData("""{"event":"e","ns":"news","id":1}""")]
    [InlineData("""{"event":"e","ns":1,"id":1}""")]
    [InlineData("""{"event":"e","ns":null,"id":1}""")]
    [InlineData("""{"event":"e","ns":"/a","ns":"/b","id":1}""")]
    [InlineData("""{"event":"e","id":1,"id":2}""")]
    [InlineData("""{"event":"e","bin":[]}""")]
    [InlineData("""{"ping":1,"bin":[]}""")]
    public void What_is_no_envelope_is_answered_with_a_bare_error(string text) => Codec.Refuse(text).Summary().Should().Be("invalid_envelope");

    [Theory]
    [InlineData("""{"event":"","id":1}""", "ack 1 invalid_envelope", "event")]
    [InlineData("""{"event":1,"id":1}""", "ack 1 invalid_envelope", "event")]
    [InlineData("""{"event":null,"id":"x"}""", "ack \"x\" invalid_envelope", "event")]
    [InlineData("""{"id":1,"event":{"a":[1]}}""", "ack 1 invalid_envelope", "event")]
    [InlineData("""{"event":"a","event":"a","id":1}""", "ack 1 invalid_envelope", "event")]
    [InlineData("""{"event":"a","data":1,"data":2,"id":1,"ns":"/n"}""", "ack 1 /n invalid_envelope", "data")]
    [InlineData("""{"event":"a","args":1,"id":1,"ns":"/n"}""", "ack 1 /n invalid_envelope", "args")]
    [InlineData("""{"event":"a","args":{"0":1},"id":1}""", "ack 1 invalid_envelope", "args")]
    [InlineData("""{"event":"a","args":[],"data":1,"id":1}""", "ack 1 invalid_envelope", "args")]
    [InlineData("""{"event":"a","bin":[],"id":1}""", "ack 1 invalid_envelope", "bin")]
    [InlineData("""{"event":"a","connect":"/x","id":1}""", "ack 1 invalid_envelope", null)]
    [InlineData("""{"event":"a","ack":2,"id":1}""", "ack 1 invalid_envelope", null)]
    [InlineData("""{"event":"a","error":{},"id":1}""", "ack 1 invalid_envelope", null)]
    [InlineData("""{"event":"a","ping":1,"id":0}""", "ack 0 invalid_envelope", null)]
    [InlineData("""{"connect":"/x","connect":"/y"}""", "connect_error /x invalid_envelope", "connect")]
    [InlineData("""{"connect":"/x","auth":1,"auth":2}""", "connect_error /x invalid_envelope", "auth")]
    [InlineData("""{"connect":"/x","bin":[]}""", "connect_error /x invalid_envelope", "bin")]
    public void What_can_be_tied_is_answered_where_it_belongs(string text, string expected, string? path)
    {
        JsonElement answer = Codec.Refuse(text);
        answer.Summary().Should().Be(expected);
        (answer.GetProperty("error").TryGetProperty("path", out JsonElement found) ? found.GetString() : null).Should().Be(path);
    }

    [Theory]
    [InlineData("connect")]
    [InlineData("connect_error")]
    [InlineData("connection")]
    [InlineData("disconnect")]
    [InlineData("disconnecting")]
    [InlineData("error")]
    [InlineData("newListener")]
    [InlineData("removeListener")]
    [InlineData("$")]
    [InlineData("$anything")]
    [InlineData("\\u0024x")]
    public void A_reserved_name_is_refused(string name) => Codec.Refuse($$"""{"event":"{{name}}","id":1}""").Summary().Should().Be("ack 1 invalid_envelope");

    [Theory]
    [InlineData("Connect")]
    [InlineData("a$")]
    [InlineData("chat message")]
    [InlineData("ping")]
    public void A_name_that_is_only_like_a_reserved_one_is_not(string name) => Codec.Decode($$"""{"event":"{{name}}"}""").Event.Should().Be(name);

    [Theory]
    [InlineData("""{"event":"f","id":1}""", new byte[0])]
    [InlineData("""{"event":"f","id":1,"bin":3}""", new byte[] { 1, 2, 3 })]
    [InlineData("""{"event":"f","id":1,"bin":{"0":3}}""", new byte[] { 1, 2, 3 })]
    [InlineData("""{"event":"f","id":1,"bin":["3"]}""", new byte[] { 1, 2, 3 })]
    [InlineData("""{"event":"f","id":1,"bin":[[3]]}""", new byte[] { 1, 2, 3 })]
    [InlineData("""{"event":"f","id":1,"bin":[3.0],"data":{"_placeholder":true,"num":0}}""", new byte[] { 1, 2, 3 })]
    [InlineData("""{"event":"f","id":1,"bin":[-1],"data":{"_placeholder":true,"num":0}}""", new byte[0])]
    [InlineData("""{"event":"f","id":1,"bin":[4,-1],"data":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]}""", new byte[] { 1, 2, 3 })]
    [InlineData("""{"event":"f","id":1,"bin":[99999999999],"data":{"_placeholder":true,"num":0}}""", new byte[] { 1 })]
    [InlineData("""{"event":"f","id":1,"bin":[2147483647,2147483647],"data":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]}""", new byte[] { 1 })]
    [InlineData("""{"event":"f","id":1,"bin":[2],"data":{"_placeholder":true,"num":0}}""", new byte[] { 1, 2, 3 })]
    [InlineData("""{"event":"f","id":1,"bin":[4],"data":{"_placeholder":true,"num":0}}""", new byte[] { 1, 2, 3 })]
    [InlineData("""{"event":"f","id":1,"bin":[3]}""", new byte[] { 1, 2, 3 })]
    [InlineData("""{"event":"f","id":1,"bin":[],"data":{"_placeholder":true,"num":0}}""", new byte[0])]
    [InlineData("""{"event":"f","id":1,"bin":[3],"data":{"_placeholder":true,"num":1}}""", new byte[] { 1, 2, 3 })]
    [InlineData("""{"event":"f","id":1,"bin":[3],"data":{"_placeholder":true,"num":-1}}""", new byte[] { 1, 2, 3 })]
    [InlineData("""{"event":"f","id":1,"bin":[3],"args":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]}""", new byte[] { 1, 2, 3 })]
    [InlineData("""{"event":"f","id":1,"bin":[1,2],"data":{"_placeholder":true,"num":0}}""", new byte[] { 1, 2, 3 })]
    public void Attachments_that_do_not_add_up_are_refused(string envelope, byte[] attachments) =>
        Codec.Refuse(Codec.Binary(envelope, attachments), isBinary: true).Summary().Should().Be("ack 1 invalid_envelope");

    [Fact]
    public void A_binary_message_without_a_zero_byte_is_refused()
    {
        Codec.Refuse("""{"event":"f","bin":[]}"""u8.ToArray(), isBinary: true).Summary().Should().Be("invalid_envelope");
        Codec.Refuse([], isBinary: true).Summary().Should().Be("invalid_envelope");
        Codec.Refuse([0], isBinary: true).Summary().Should().Be("invalid_json");
    }
}

using System.Text.Json;
using System.Text.Json.Serialization;
using FluentAssertions;
using WsServer.Tests.Wire;
using Xunit;

namespace WsServer.Tests;

public sealed partial class EventSerializerTests
{
    private static readonly EventSerializer Serializer = Codec.Serializer;

    public enum Color
    {
        Red,
        Blue,
    }

    [Fact]
    public void The_web_defaults_hold()
    {
        Serializer.Write(new Message("hi", 2)).Text().Should().Be("""{"text":"hi","count":2}""");
        Serializer.Read<Message>(Args("""{"TEXT":"hi","Count":"2","more":1}""")).Should().Be(new Message("hi", 2));
        Serializer.Write(Color.Blue).Text().Should().Be("1");
    }

    [Theory]
    [InlineData("\"x\"", "$")]
    [InlineData("[]", "$")]
    [InlineData("""{"text":1}""", "$.text")]
    [InlineData("""{"text":"a","count":"many"}""", "$.count")]
    [InlineData("""{"text":"a","count":1.5}""", "$.count")]
    [InlineData("""{"text":"a","count":99999999999}""", "$.count")]
    [InlineData("""{"text":"\ud800"}""", "$.text")]
    public void Data_that_does_not_fit_is_invalid_and_says_where(string json, string path) => Fails<Message>(Args(json), path);

    [Fact]
    public void Data_that_is_missing_or_null_is_invalid()
    {
        Fails<Message>(default, "$", "missing");
        Fails<Message>(Args("null"), "$", "null");
        Fails<int>(Args("null"), "$");
        Fails<string>(Args("null"), "$", "null");
        Fails<object>(Args("null"), "$", "null");
        Fails<Color>(Args("\"Red\""), "$");
    }

    [Fact]
    public void Some_types_take_null()
    {
        Serializer.Read<int?>(Args("null")).Should().BeNull();
        Serializer.Read<int?>(Args("3")).Should().Be(3);
        Serializer.Read<JsonElement>(Args("null")).ValueKind.Should().Be(JsonValueKind.Null);
        Serializer.Read<JsonElement>(Args("""{"a":[1]}""")).GetProperty("a")[0].GetInt32().Should().Be(1);
        Serializer.Read<int?>(default).Should().BeNull("what may be null may be left out");
        Fails<int?>(Args("\"x\""), "$");
    }

    [Fact]
    public void Each_of_several_arguments_is_read_by_its_index()
    {
        JsonArguments arguments = Codec.Decode("""{"event":"e","args":[1, {"name":{"x":5}}, [2,3], null]}""").Arguments;
        Serializer.Read<int>(arguments).Should().Be(1);
        Serializer.Read<int[]>(arguments, 2).Should().Equal(2, 3);
        Serializer.Read<int?>(arguments, 3).Should().BeNull();
        Fails<Named>(arguments, "$[1].name", index: 1);
        Fails<int>(arguments, "$[2]", index: 2);
        Fails<string>(arguments, "$[3]", "null", index: 3);
        Fails<int>(arguments, "$[4]", "missing", index: 4);
        Fails<int>(Args("1"), "$[1]", "missing", index: 1);
    }

    [Fact]
    public void Arguments_are_found_by_index_without_reading_them()
    {
        JsonArguments several = Codec.Decode("""{"event":"e","args":[1, {"a":[2]} ,"x"]}""").Arguments;
        JsonText(several[0]).Should().Be("1");
        JsonText(several[1]).Should().Be("""{"a":[2]}""");
        JsonText(several[2]).Should().Be("\"x\"");
        JsonText(Args("[1,2]")[0]).Should().Be("[1,2]");
        foreach (int index in new[] { -1, 3 })
        {
            ((Action)(() => _ = several[index])).Should().Throw<ArgumentOutOfRangeException>();
        }

        ((Action)(() => _ = default(JsonArguments)[0])).Should().Throw<ArgumentOutOfRangeException>();
        default(JsonArguments).ToString().Should().BeEmpty();
    }

    [Fact]
    public void Objects_are_written_as_what_they_are()
    {
        Serializer.Write<object>(new Message("a", 1)).Text().Should().Be("""{"text":"a","count":1}""");
        Serializer.WriteAll(1, "b", null, new { C = 2 }, new[] { 3 }).Text().Should().Be("""[1,"b",null,{"c":2},[3]]""");
        Serializer.Write(new { Text = "a", Nested = new { B = true } }).Text().Should().Be("""{"text":"a","nested":{"b":true}}""");
        Serializer.Write(new object()).Text().Should().Be("{}");
        Serializer.Write<Message?>(null).Text().Should().Be("null");
        Serializer.Write(1, "b", 2.5).Count.Should().Be(3);
        Serializer.WriteAll().Count.Should().Be(0);
    }

    [Fact]
    public void What_cannot_be_serialized_fails_where_it_is_emitted_and_harms_nothing_after_it()
    {
        ((Action)(() => Serializer.Write(new { A = 1, B = double.NaN }))).Should().Throw<Exception>();
        Serializer.Write(new { A = 1 }).Text().Should().Be("""{"a":1}""");
    }

    [Fact]
    public void Bytes_are_attachments_when_written()
    {
        byte[] bytes = [1, 2];
        JsonArguments arguments = Serializer.Write(new { a = bytes, b = (ReadOnlyMemory<byte>)new byte[] { 3 }, c = (Memory<byte>)new byte[] { 4, 5 }, d = (byte[]?)null });
        bytes[0] = 9;
        arguments.Text().Should().Be("""{"a":{"_placeholder":true,"num":0},"b":{"_placeholder":true,"num":1},"c":{"_placeholder":true,"num":2},"d":null}""");
        arguments.Attachments.ToArray().Select(a => a.ToArray()).Should().BeEquivalentTo(new byte[][] { [1, 2], [3], [4, 5] }, o => o.WithStrictOrdering());
        Serializer.Read<Bytes>(arguments).Should().BeEquivalentTo(new { A = new byte[] { 1, 2 } });
    }

    [Fact]
    public void Bytes_are_read_from_attachments_and_from_base64()
    {
        JsonArguments binary = Codec.Decode(Codec.Binary("""{"event":"e","data":{"a":{"_placeholder":true,"num":0},"b":"Aw=="},"bin":[2]}""", 1, 2), isBinary: true).Arguments;
        Bytes read = Serializer.Read<Bytes>(binary);
        read.A.Should().Equal(1, 2);
        read.B.ToArray().Should().Equal(3);
        Serializer.Read<byte[]>(Args("\"AQI=\"")).Should().Equal(1, 2);
        Serializer.Read<ReadOnlyMemory<byte>>(Args("\"\"")).Length.Should().Be(0);
        Fails<byte[]>(Args("\"no base64!\""), "$");
        Fails<byte[]>(Args("[1,2]"), "$");
        Fails<Bytes>(Args("""{"a":{"_placeholder":true,"num":0}}"""), "$.a");
        Fails<byte[]>(Args("""{"_placeholder":true,"num":7}"""), "$");
    }

    [Fact]
    public void A_source_generated_context_is_enough()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web) { TypeInfoResolver = Generated.Default };
        var serializer = new EventSerializer(options);
        JsonArguments written = serializer.Write(new Message("a", 1));
        written.Text().Should().Be("""{"text":"a","count":1}""");
        serializer.Read<Message>(written).Should().Be(new Message("a", 1));
        serializer.Write<object>(new Message("b", 2)).Text().Should().Be("""{"text":"b","count":2}""");
        JsonArguments bytes = serializer.Write(new Bytes([7], new byte[] { 8 }));
        bytes.Attachments.Length.Should().Be(2);
        serializer.Read<Bytes>(bytes).A.Should().Equal(7);
        ((Action)(() => serializer.Write(new { a = 1 }))).Should().Throw<NotSupportedException>("an anonymous type needs reflection");
        options.IsReadOnly.Should().BeFalse("the options are copied");
    }

    private static JsonArguments Args(string json) => Codec.Decode($$"""{"event":"e","data":{{json}} }""").Arguments;

    private static string JsonText(ReadOnlyMemory<byte> utf8) => System.Text.Encoding.UTF8.GetString(utf8.Span);

    private static void Fails<T>(JsonArguments arguments, string path, string word = "The data at", int index = 0)
    {
        EventError error = ((Func<T>)(() => Serializer.Read<T>(arguments, index))).Should().Throw<EventException>().Which.Error;
        error.Code.Should().Be("invalid_data");
        error.Message.Should().Contain(word).And.EndWith(".");
        ((string?)error.Details!["path"]).Should().Be(path);
    }

    public sealed record Message(string Text, int Count);

    public sealed record Named(string Name);

    public sealed record Bytes(byte[] A, ReadOnlyMemory<byte> B);

    [JsonSerializable(typeof(Message))]
    [JsonSerializable(typeof(Bytes))]
    [JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
    private sealed partial class Generated : JsonSerializerContext;
}

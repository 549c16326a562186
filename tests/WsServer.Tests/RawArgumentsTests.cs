using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FluentAssertions;
using Xunit;

namespace WsServer.Tests;

public class RawArgumentsTests
{
    [Theory]
    [InlineData("""{"name":"Ada"}""", "\"Ada\"")]
    [InlineData("""{"a":1,"name":2,"z":3}""", "2")]
    [InlineData("""{"name":-1.5e3}""", "-1.5e3")]
    [InlineData("""{"name":null}""", "null")]
    [InlineData("""{"name":true}""", "true")]
    [InlineData("""{"name":{}}""", "{}")]
    [InlineData("""{"name":{"name":1}}""", """{"name":1}""")]
    [InlineData("""{"name":[{"name":1},[2]]}""", """[{"name":1},[2]]""")]
    [InlineData("""{"x":{"name":1},"name":2}""", "2")]
    [InlineData("""{"name":2,"x":{"name":1},"y":[{"name":3}]}""", "2")]
    [InlineData("""{"name":1,"name":2}""", "2")]
    [InlineData("""{"name":1,"name":{"name":2},"x":0}""", """{"name":2}""")]
    [InlineData(""" { "name" : [ 1 , 2 ] , "x" : 1 } """, "[ 1 , 2 ]")]
    [InlineData("""{"n\u0061me":"escaped"}""", "\"escaped\"")]
    [InlineData("""{"name":"a\"}\\"}""", """ "a\"}\\" """)]
    [InlineData("""{"names":1,"nam":2,"":3,"name":4}""", "4")]
    public void A_member_is_found_as_it_stands(string json, string value)
    {
        One(json).TryGetMember("name"u8, out RawArguments found).Should().BeTrue();
        found.ToString().Should().Be(value.Trim());
        found.Count.Should().Be(1);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"Name":1}""")]
    [InlineData("""{"names":1,"nam":2,"":3}""")]
    [InlineData("""{"x":{"name":1}}""")]
    [InlineData("""{"x":[{"name":1}]}""")]
    [InlineData("""{"x":"name"}""")]
    [InlineData("""[{"name":1}]""")]
    [InlineData("\"name\"")]
    [InlineData("1")]
    [InlineData("null")]
    [InlineData("true")]
    public void What_is_no_object_or_has_no_such_member_has_none(string json)
    {
        One(json).TryGetMember("name"u8, out RawArguments found).Should().BeFalse();
        found.Count.Should().Be(0);
        found.Utf8.Length.Should().Be(0);
    }

    [Fact]
    public void None_and_several_arguments_have_no_members()
    {
        default(RawArguments).TryGetMember("name"u8, out _).Should().BeFalse();
        Of("""[{"name":1},{"name":2}]""", 2).TryGetMember("name"u8, out _).Should().BeFalse();
        default(RawArguments).TryGetString(new char[10], out _).Should().BeFalse();
        Of("""["a","b"]""", 2).TryGetString(new char[10], out _).Should().BeFalse();
        default(RawArguments).ToString().Should().BeEmpty();
        default(RawArguments).ToArguments().Count.Should().Be(0);
    }

    [Fact]
    public void A_member_beyond_ascii_and_one_without_a_name_are_found()
    {
        One("""{"größe":1,"":2,"😀":3}""").TryGetMember("größe"u8, out RawArguments found).Should().BeTrue();
        found.ToString().Should().Be("1");
        One("""{"größe":1,"":2,"😀":3}""").TryGetMember(""u8, out found).Should().BeTrue();
        found.ToString().Should().Be("2");
        One("""{"gr\u00f6\u00dfe":1,"":2,"\ud83d\ude00":3}""").TryGetMember("😀"u8, out found).Should().BeTrue();
        found.ToString().Should().Be("3");
    }

    [Fact]
    public void Members_of_members_are_reached_one_after_the_other()
    {
        One("""{"a":{"b":[1,{"c":"deep"}]}}""").TryGetMember("a"u8, out RawArguments a).Should().BeTrue();
        a.TryGetMember("b"u8, out RawArguments found).Should().BeTrue();
        found.ToString().Should().Be("""[1,{"c":"deep"}]""");
        found.TryGetMember("c"u8, out _).Should().BeFalse("an array has no members");
    }

    [Theory]
    [InlineData("""{"\ud800":1,"name":2}""")]
    [InlineData("""{"name":2,"\udc00":1}""")]
    [InlineData("""{"n\ud83d":1,"name":2}""")]
    public void A_member_whose_name_is_no_text_is_passed_over(string json)
    {
        RawArguments arguments = new JsonArguments(Encoding.UTF8.GetBytes(json), 1);
        arguments.TryGetMember("name"u8, out RawArguments found).Should().BeTrue();
        found.ToString().Should().Be("2");
    }

    [Fact]
    public void A_member_may_be_put_where_its_object_was()
    {
        RawArguments arguments = new JsonArguments("""{"a":{"b":2}}"""u8.ToArray(), 1);
        arguments.TryGetMember("a"u8, out arguments).Should().BeTrue();
        arguments.TryGetMember("b"u8, out arguments).Should().BeTrue();
        arguments.ToString().Should().Be("2");
    }

    [Fact]
    public void Very_deep_values_are_passed_over()
    {
        string deep = new string('[', 900) + new string(']', 900);
        One($$"""{"x":{{deep}},"name":{{deep}}}""").TryGetMember("name"u8, out RawArguments found).Should().BeTrue();
        found.ToString().Should().Be(deep);
    }

    [Fact]
    public void Several_arguments_are_reached_by_their_index()
    {
        RawArguments several = Of("""[ {"name":[1]} , "two", null,[4] ]""", 4);
        several[0].ToString().Should().Be("""{"name":[1]}""");
        several[1].ToString().Should().Be("\"two\"");
        several[2].ToString().Should().Be("null");
        several[3].ToString().Should().Be("[4]");
        several[3].Count.Should().Be(1, "an argument that is an array is one argument");
        several[0].TryGetMember("name"u8, out RawArguments found).Should().BeTrue();
        found.ToString().Should().Be("[1]");
        One("[1,2]")[0].ToString().Should().Be("[1,2]");
        ((Action)(() => _ = One("1")[1])).Should().Throw<ArgumentOutOfRangeException>();
        ((Action)(() => _ = Of("[1,2]", 2)[-1])).Should().Throw<ArgumentOutOfRangeException>();
        ((Action)(() => _ = default(RawArguments)[0])).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Theory]
    [InlineData("\"\"", "")]
    [InlineData("\"abc\"", "abc")]
    [InlineData("\"größe 字 😀\"", "größe 字 😀")]
    [InlineData("""  "\"\\\/\b\f\n\r\t" """, "\"\\/\b\f\n\r\t")]
    [InlineData("""  "\u0041\u00e9\u5b57\ud83d\ude00" """, "Aé字😀")]
    public void A_string_is_copied_without_quotes_and_escapes(string json, string text)
    {
        // Room for exactly as much, and for more.
        foreach (int length in new[] { text.Length, text.Length + 1, 100 })
        {
            char[] buffer = new char[length];
            One(json.Trim()).TryGetString(buffer, out ReadOnlySpan<char> read).Should().BeTrue();
            read.ToString().Should().Be(text);
        }

        if (text.Length > 0)
        {
            One(json.Trim()).TryGetString(new char[text.Length - 1], out ReadOnlySpan<char> none).Should().BeFalse();
            none.Length.Should().Be(0);
        }
    }

    [Theory]
    [InlineData("""  "\ud800" """)]
    [InlineData("""  "a\udc00b" """)]
    [InlineData("""  "\ud83dx" """)]
    [InlineData("""  "\ud83d\u0041" """)]
    [InlineData("""  "\ude00\ud83d" """)]
    public void An_escape_that_is_no_text_gives_no_string(string json)
    {
        One(json.Trim()).TryGetString(new char[100], out ReadOnlySpan<char> text).Should().BeFalse();
        text.Length.Should().Be(0);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("null")]
    [InlineData("""{"a":"b"}""")]
    [InlineData("""["a"]""")]
    public void What_is_no_string_gives_none(string json) => One(json).TryGetString(new char[100], out _).Should().BeFalse();

    [Fact]
    public void A_copy_stays_when_the_buffer_is_used_again()
    {
        byte[] buffer = """{"name":{"x":[1,2]}}"""u8.ToArray();
        byte[] attachment = [1, 2, 3];
        RawArguments raw = new JsonArguments(buffer, 1, [attachment]);
        raw.TryGetMember("name"u8, out RawArguments member).Should().BeTrue();
        JsonArguments copy = raw.ToArguments(), part = member.ToArguments();
        raw.Attachments.Length.Should().Be(1);

        Array.Fill(buffer, (byte)'#');
        Array.Fill(attachment, (byte)9);

        copy.ToString().Should().Be("""{"name":{"x":[1,2]}}""");
        copy.Attachments[0].ToArray().Should().Equal(1, 2, 3);
        part.ToString().Should().Be("""{"x":[1,2]}""");
        raw.ToString().Should().StartWith("###", "it lies where it was received");
    }

    [Fact]
    public void Random_objects_have_the_members_that_a_parser_finds()
    {
        var random = new Random(4711);
        string[] names = ["name", "nam", "n\"me", "größe", "", "a\\b", "\u0001"];
        for (int i = 0; i < 5_000; i++)
        {
            string json = RandomObject(random, names, depth: 0);
            using var parsed = JsonDocument.Parse(json);
            foreach (string name in names)
            {
                bool isThere = parsed.RootElement.TryGetProperty(name, out JsonElement expected);
                One(json).TryGetMember(Encoding.UTF8.GetBytes(name), out RawArguments found).Should().Be(isThere, json);
                if (isThere)
                {
                    found.ToString().Should().Be(expected.GetRawText());
                }
            }
        }
    }

    private static string RandomObject(Random random, string[] names, int depth)
    {
        IEnumerable<string> members = Enumerable.Range(0, random.Next(6)).Select(_ =>
        {
            string name = names[random.Next(names.Length)];
            string written = random.Next(3) == 0
                ? "\"" + string.Concat(name.Select(c => $"\\u{(int)c:x4}")) + "\""
                : JsonValue.Create(name).ToJsonString();
            string value = random.Next(5) switch
            {
                0 when depth < 3 => RandomObject(random, names, depth + 1),
                1 when depth < 3 => $"[{RandomObject(random, names, depth + 1)}, \"name\"]",
                2 => JsonValue.Create(names[random.Next(names.Length)]).ToJsonString(),
                3 => "null",
                _ => $"{random.Next()}",
            };
            return random.Next(2) == 0 ? $"{written}:{value}" : $" {written} : {value} ";
        });
        return $"{{{string.Join(',', members)}}}";
    }

    private static RawArguments One(string json) => Of(json, 1);

    private static RawArguments Of(string json, int count) => new JsonArguments(Encoding.UTF8.GetBytes(json), count);
}

using System.Text.Encodings.Web;
using System.Text.Json;
using FluentAssertions;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Wire;

public class WireEncoderTests
{
    [Theory]
    [InlineData("😀", "😀")]
    [InlineData("a😀b😀", "a😀b😀")]
    [InlineData("😀\"😀\n", "😀\\\"😀\\n")]
    [InlineData("\u2028😀", "\\u2028😀")]
    [InlineData("", "")]
    public void Only_what_json_demands_is_escaped(string text, string written)
    {
        WireEncoder.Instance.Encode(text).Should().Be(written);
        Written(text, WireEncoder.Instance).Should().Be($"\"{written}\"");
    }

    [Fact]
    public void Half_a_surrogate_pair_becomes_a_replacement_character() =>
        Written("\ude00\ud83d😀\ud83d", WireEncoder.Instance).Should().Be("\"\ufffd\ufffd😀\ufffd\"");

    [Fact]
    public void Random_texts_are_read_back_as_they_were_and_differ_from_the_frameworks_only_beyond_the_basic_plane()
    {
        var random = new Random(4711);
        string[] pieces = ["a", "\"", "\\", "\n", "\u0001", "é", "字", "😀", "𝄞", "\u2029", "<", "&", "\u007f", "\ufeff", " "];
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => pieces[random.Next(pieces.Length)]));
            string json = Written(text, WireEncoder.Instance);
            JsonSerializer.Deserialize<string>(json).Should().Be(text);
            string plain = text.Replace("😀", "", StringComparison.Ordinal).Replace("𝄞", "", StringComparison.Ordinal);
            Written(plain, WireEncoder.Instance).Should().Be(Written(plain, JavaScriptEncoder.UnsafeRelaxedJsonEscaping));
        }
    }

    private static string Written(string text, JavaScriptEncoder encoder)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = encoder }))
        {
            writer.WriteStringValue(text);
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }
}

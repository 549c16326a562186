using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Rfc6455;

/// <summary>Text is UTF-8: section 8.1, and RFC 3629.</summary>
[Collection(nameof(EchoServers))]
public class Utf8Tests(EchoServers servers)
{
    private static readonly string[] Valid =
    [
        "", "00", "7F", "C280", "DFBF", "E0A080", "ED9FBF", "EE8080", "EFBFBD", "EFBFBE", "EFBFBF", "EFB790", "F0908080", "F48FBFBF", "F09F9880",
        "CEBAE1BDB9CF83CEBCCEB5", "48656C6C6F2D C2B5 40 C39F C3B6 C3A4 C3BC C3A0 C3A1 2D5554462D3821",
    ];

    private static readonly string[] Invalid =
    [
        // What continues nothing, what is not continued, and what is no byte of UTF-8.
        "80", "BF", "C2", "C241", "E282", "E28241", "F09F98", "F09F9841", "C2C2", "E2C2A9", "FE", "FF", "F8888080 80", "FC848080 8080",

        // Longer than need be.
        "C080", "C0AF", "C1BF", "E08080", "E080AF", "E09FBF", "F0808080", "F08080AF", "F08FBFBF",

        // Surrogates, alone and in pairs.
        "EDA080", "EDAD BF", "EDAE80", "EDAFBF", "EDB080", "EDBFBF", "EDA080EDB080", "EDAFBFEDBFBF",

        // Beyond the last character.
        "F4908080", "F5808080", "F7BFBFBF",

        // Behind and before what is valid.
        "CEBAE1BDB9CF83CEBCCEB5 EDA080 656469746564", "CEBAE1BDB9CF83CEBCCEB5 F4908080 656469746564", "61 80 61", "E282AC E282",
    ];

    public static TheoryData<Wiring, string> ValidTexts => Over(Valid);

    public static TheoryData<Wiring, string> InvalidTexts => Over(Invalid);

    [Theory]
    [MemberData(nameof(ValidTexts))]
    public async Task Valid_text_comes_back_wherever_it_is_split(Wiring wiring, string hex)
    {
        byte[] text = Bytes(hex);
        using EchoClient client = await servers.ConnectAsync(wiring);
        foreach (byte[][] parts in Splits(text))
        {
            await client.SendAsync(Fragments(parts));
            await client.ShouldGetAsync(RawFrame.Text, text);
            await client.SendAsync(Fragments([text]), chop: 1);
            await client.ShouldGetAsync(RawFrame.Text, text);
        }
    }

    [Theory]
    [MemberData(nameof(InvalidTexts))]
    public async Task Invalid_text_is_closed_with_1007_wherever_it_is_split(Wiring wiring, string hex)
    {
        byte[] text = Bytes(hex);
        foreach (byte[][] parts in Splits(text))
        {
            using EchoClient client = await servers.ConnectAsync(wiring);
            await client.SendAsync(Fragments(parts));
            await client.ShouldBeClosedAsync(1007);
        }

        using EchoClient slow = await servers.ConnectAsync(wiring);
        await slow.SendAsync(Fragments([text]), chop: 1);
        await slow.ShouldBeClosedAsync(1007);
    }

    [Theory]
    [MemberData(nameof(InvalidTexts))]
    public async Task The_same_bytes_as_binary_come_back(Wiring wiring, string hex)
    {
        byte[] bytes = Bytes(hex);
        using EchoClient client = await servers.ConnectAsync(wiring);

        await client.SendFrameAsync(RawFrame.Binary, bytes);

        await client.ShouldGetAsync(RawFrame.Binary, bytes);
    }

    // Whole, in two at every byte, and in single bytes.
    private static IEnumerable<byte[][]> Splits(byte[] text)
    {
        yield return [text];
        for (int at = 1; at < text.Length; at++)
        {
            yield return [text[..at], text[at..]];
        }

        yield return [.. text.Select(b => new[] { b }), []];
    }

    private static byte[] Fragments(byte[][] parts) =>
        [.. parts.SelectMany((p, i) => ClientFrame.Encode(i == 0 ? RawFrame.Text : RawFrame.Continuation, p, isFinal: i == parts.Length - 1))];

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    private static TheoryData<Wiring, string> Over(string[] texts)
    {
        var all = new TheoryData<Wiring, string>();
        foreach (Wiring wiring in new[] { Wiring.Direct, Wiring.Piped })
        {
            foreach (string text in texts)
            {
                all.Add(wiring, text);
            }
        }

        return all;
    }
}

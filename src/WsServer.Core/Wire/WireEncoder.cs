using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;

namespace WsServer.Wire;

/// <summary>
/// Escapes only what JSON demands (RFC 8259, section 7), as this JSON is never embedded in HTML. The framework's
/// relaxed encoder comes close, but writes an emoji as twelve characters of escapes in the place of four bytes.
/// </summary>
internal sealed unsafe class WireEncoder : JavaScriptEncoder
{
    public static readonly WireEncoder Instance = new();

    private static readonly JavaScriptEncoder Relaxed = UnsafeRelaxedJsonEscaping;

    public override int MaxOutputCharactersPerInputCharacter => Relaxed.MaxOutputCharactersPerInputCharacter;

    public override bool WillEncode(int unicodeScalar) => unicodeScalar <= char.MaxValue && Relaxed.WillEncode(unicodeScalar);

    public override bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten) =>
        Relaxed.TryEncodeUnicodeScalar(unicodeScalar, buffer, bufferLength, out numberOfCharactersWritten);

    public override int FindFirstCharacterToEncode(char* text, int textLength)
    {
        var rest = new ReadOnlySpan<char>(text, textLength);
        int passed = 0;
        while (true)
        {
            int found;
            fixed (char* start = &MemoryMarshal.GetReference(rest))
            {
                found = Relaxed.FindFirstCharacterToEncode(start, rest.Length);
            }

            if (found < 0)
            {
                return -1;
            }

            if (Rune.DecodeFromUtf16(rest[found..], out Rune rune, out int length) != OperationStatus.Done || rune.IsBmp)
            {
                return passed + found;
            }

            passed += found + length;
            rest = rest[(found + length)..];
        }
    }

    public override int FindFirstCharacterToEncodeUtf8(ReadOnlySpan<byte> utf8Text)
    {
        int passed = 0;
        while (true)
        {
            int found = Relaxed.FindFirstCharacterToEncodeUtf8(utf8Text[passed..]);
            if (found < 0)
            {
                return -1;
            }

            passed += found;
            if (Rune.DecodeFromUtf8(utf8Text[passed..], out Rune rune, out int length) != OperationStatus.Done || rune.IsBmp)
            {
                return passed;
            }

            passed += length;
        }
    }
}

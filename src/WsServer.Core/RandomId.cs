using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace WsServer;

/// <summary>Makes ids and secrets that nobody can guess.</summary>
internal static class RandomId
{
    // 144 random bits; base64url keeps them at 24 characters without padding.
    private const int Bytes = 18;

    public const int Length = 24;

    private static readonly SearchValues<char> Alphabet = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>The length of one with the id of a node behind it.</summary>
    public const int LengthWithNode = Length + NodeLength;

    /// <summary>The length of a node's id.</summary>
    public const int NodeLength = 8;

    /// <summary>Whether it could be one, with a node's id behind it or without.</summary>
    public static bool IsOne(ReadOnlySpan<char> text) => text.Length is Length or LengthWithNode && IsAlphabet(text);

    /// <summary>Whether it has no other characters than one.</summary>
    public static bool IsAlphabet(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(Alphabet);

    public static string Create() => Create(Bytes);

    /// <summary>One for a node, which has to be new rather than secret.</summary>
    public static string CreateShort() => Create(6);

    private static string Create(int bytes)
    {
        Span<byte> id = stackalloc byte[bytes];
        RandomNumberGenerator.Fill(id);
        return Base64Url.EncodeToString(id);
    }
}

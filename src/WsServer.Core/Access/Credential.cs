using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;

namespace WsServer.Access;

/// <summary>What has taken the place of the credentials that a request came with.</summary>
/// <param name="User">Whom it stands for.</param>
/// <param name="Expires">Until when; null when nobody said.</param>
/// <param name="TokenHash">By what the token is known again that it came from; null when it came from none.</param>
internal sealed record Credential(ClaimsPrincipal User, DateTimeOffset? Expires, byte[]? TokenHash = null)
{
    /// <summary>What is kept of a token: not the token.</summary>
    public static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <summary>Whether it came from this very token, and is not over.</summary>
    public bool IsOf(string token, DateTimeOffset now) =>
        TokenHash is { } hash && !(Expires <= now) && CryptographicOperations.FixedTimeEquals(hash, HashOf(token));
}

using System.Security.Claims;

namespace WsServer.Access;

/// <summary>What has taken the place of the credentials that a request came with.</summary>
/// <param name="User">Whom it stands for.</param>
/// <param name="Expires">Until when; null when nobody said.</param>
internal sealed record Credential(ClaimsPrincipal User, DateTimeOffset? Expires)
{
    /// <summary>By what somebody is known again: the id that was authenticated, or else the name; null for nobody.</summary>
    public static string? IdentityOf(ClaimsPrincipal user) => IsSignedIn(user)
        ? user.FindFirst(ClaimTypes.NameIdentifier)?.Value ?? user.FindFirst("sub")?.Value ?? user.Identity?.Name ?? ""
        : null;

    /// <summary>Whether it is anybody at all.</summary>
    public static bool IsSignedIn(ClaimsPrincipal user) => user.Identities.Any(i => i.IsAuthenticated);
}

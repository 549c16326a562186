using System.Security.Claims;

namespace WsServer;

/// <summary>By what a user is known again, for everybody who asks.</summary>
internal static class UserIdentity
{
    /// <summary>The id that was authenticated (<c>NameIdentifier</c> or <c>sub</c>), or else the name; empty for somebody without either, null for nobody.</summary>
    public static string? Of(ClaimsPrincipal user) => IsSignedIn(user)
        ? NotEmpty(user.FindFirst(ClaimTypes.NameIdentifier)?.Value) ?? NotEmpty(user.FindFirst("sub")?.Value) ?? user.Identity?.Name ?? ""
        : null;

    /// <summary>Whether it is anybody at all.</summary>
    public static bool IsSignedIn(ClaimsPrincipal user) => user.Identities.Any(i => i.IsAuthenticated);

    private static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}

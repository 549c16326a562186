using System.Collections.Frozen;

namespace WsServer.Wire;

/// <summary>The names that neither side may give an event (<c>docs/protocol.md</c>, section 3).</summary>
internal static class ReservedNames
{
    /// <summary>The event by which a client learns what it has missed.</summary>
    public const string Lagged = "$lagged";

    /// <summary>The event by which a client gives the server a new token; a reserved name, which clients may use (section 12).</summary>
    public const string Token = "$auth";

    private static readonly FrozenSet<string> Names = FrozenSet.Create(
        StringComparer.Ordinal,
        "connect", "connect_error", "connection", "disconnect", "disconnecting", "error", "newListener", "removeListener");

    public static bool Contains(string name) => name.StartsWith('$') || Names.Contains(name);

    /// <summary>Checks a name that the program chose.</summary>
    public static void ThrowIfUnusable(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (Contains(name))
        {
            throw new ArgumentException($"'{name}' is a reserved name; an event needs another one.", nameof(name));
        }
    }
}

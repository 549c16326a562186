using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace WsServer;

/// <summary>What the query of a URL asks of the event protocol (<c>docs/protocol.md</c>, sections 6 and 11).</summary>
/// <param name="TakesBinary">To receive bytes in binary messages.</param>
/// <param name="CanRecover">To be able to come back.</param>
/// <param name="Session">To come back to this session.</param>
/// <param name="Seq">The last event that the client has had; 0 when it does not say.</param>
internal readonly record struct UrlWishes(bool TakesBinary, bool CanRecover, string? Session, long Seq)
{
    /// <summary>Reads them.</summary>
    /// <param name="query">The query.</param>
    /// <param name="session">The session that was taken out of the query; null when none was.</param>
    public static UrlWishes Of(IQueryCollection query, string? session)
    {
        session ??= query["session"];
        bool isBack = !string.IsNullOrEmpty(session);
        long seq = long.TryParse(query["seq"], NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : 0;
        return new UrlWishes(query["binary"] == "1", isBack || query["recover"] == "1", isBack ? session : null, isBack ? seq : 0);
    }
}

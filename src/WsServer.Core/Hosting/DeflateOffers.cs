using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.Extensions.Primitives;
using WsServer.Connections;

namespace WsServer.Hosting;

/// <summary>
/// Agrees on <c>permessage-deflate</c> with a client (RFC 7692, section 7.1): takes the first of its offers that can be
/// kept, and always demands that neither side refers to earlier messages.
/// </summary>
internal static class DeflateOffers
{
    private const string Terms = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    /// <summary>Looks for an offer to accept.</summary>
    /// <param name="header">The values of the request's <c>Sec-WebSocket-Extensions</c>.</param>
    /// <param name="answer">The value of the response's.</param>
    /// <param name="windowBits">How large the client's window is.</param>
    public static bool TryAccept(StringValues header, [NotNullWhen(true)] out string? answer, out int windowBits)
    {
        foreach (string? line in header)
        {
            foreach (string offer in Split(line ?? "", ','))
            {
                if (TryRead(offer, out int? clients, out int? servers))
                {
                    // What is demanded of the server is accepted by repeating it, and so is what the client will keep to.
                    answer = Terms + Parameter("server_max_window_bits", servers) + Parameter("client_max_window_bits", clients);
                    windowBits = servers ?? PermessageDeflate.MaxWindowBits;
                    return true;
                }
            }
        }

        answer = null;
        windowBits = 0;
        return false;
    }

    // An offer with anything in it that is unknown, invalid or said twice is to be declined (section 7.1).
    private static bool TryRead(string offer, out int? clients, out int? servers)
    {
        clients = null;
        servers = null;
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        bool isFirst = true;
        foreach (string part in Split(offer, ';'))
        {
            if (isFirst)
            {
                isFirst = false;
                if (!part.Trim().Equals("permessage-deflate", StringComparison.OrdinalIgnoreCase))
                {
                    return false;
                }

                continue;
            }

            int equals = part.IndexOf('=', StringComparison.Ordinal);
            string name = (equals < 0 ? part : part[..equals]).Trim();
            string? value = equals < 0 ? null : Unquote(part[(equals + 1)..].Trim());
            if (!seen.Add(name))
            {
                return false;
            }

            bool isValid = name.ToLowerInvariant() switch
            {
                "server_no_context_takeover" or "client_no_context_takeover" => value is null,
                "client_max_window_bits" => value is null || TryReadBits(value, out clients),
                "server_max_window_bits" => value is not null && TryReadBits(value, out servers),
                _ => false,
            };
            if (!isValid)
            {
                return false;
            }
        }

        return true;
    }

    // Section 7.1.2.1: a decimal number without leading zeroes.
    private static bool TryReadBits(string value, out int? bits)
    {
        bool isNumber = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && value[0] != '0';
        bits = number;
        return isNumber && number is >= PermessageDeflate.MinWindowBits and <= PermessageDeflate.MaxWindowBits;
    }

    private static string Parameter(string name, int? value) => value is { } bits ? string.Create(CultureInfo.InvariantCulture, $"; {name}={bits}") : "";

    private static string Unquote(string value) => value.Length >= 2 && value[0] == '"' && value[^1] == '"' ? value[1..^1] : value;

    // At separators outside of quotes.
    private static IEnumerable<string> Split(string text, char separator)
    {
        bool isQuoted = false;
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '"')
            {
                isQuoted = !isQuoted;
            }
            else if (text[i] == separator && !isQuoted)
            {
                yield return text[start..i];
                start = i + 1;
            }
        }

        yield return text[start..];
    }
}

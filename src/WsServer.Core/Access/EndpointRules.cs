using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;

namespace WsServer.Access;

/// <summary>What is required of those who come by an endpoint; one rule for all of them.</summary>
internal static class EndpointRules
{
    private static readonly ConditionalWeakTable<Endpoint, AccessRule> Rules = [];

    /// <summary>That of the endpoint of a request; null when there is nothing to ask.</summary>
    public static AccessRule? Find(HttpContext context)
    {
        if (context.GetEndpoint() is not { } endpoint)
        {
            return null;
        }

        if (Rules.TryGetValue(endpoint, out AccessRule? known))
        {
            return known;
        }

        return AccessRule.Of(endpoint) is { } rule ? Rules.GetValue(endpoint, _ => rule) : null;
    }
}

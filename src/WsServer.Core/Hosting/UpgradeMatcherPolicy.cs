using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Matching;
using Microsoft.Extensions.DependencyInjection;

namespace WsServer.Hosting;

/// <summary>Marks the endpoint of an event server.</summary>
internal sealed record EventEndpoint(EventServer Server);

/// <summary>
/// Lets a page and a namespace live on the same URL: an upgrade to a namespace that there is goes to the event
/// server, anything else goes where it would without.
/// </summary>
/// <param name="services">Says whether there is authorization, which may refuse what an endpoint would count.</param>
internal sealed class UpgradeMatcherPolicy(IServiceProviderIsService services) : MatcherPolicy, IEndpointSelectorPolicy
{
    private readonly AttemptGate _attempts = new(canBeRefused: services.IsService(typeof(IAuthorizationPolicyProvider)));

    public override int Order => 0;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) =>
        endpoints.Any(e => e.Metadata.GetMetadata<EventEndpoint>() is not null || e.Metadata.GetMetadata<CountsAttempts>() is not null);

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        bool isUpgrade = IsUpgrade(httpContext.Features, httpContext.Request.Headers);
        Choose(candidates, isUpgrade);
        _attempts.Pass(httpContext, candidates, isUpgrade);
        return Task.CompletedTask;
    }

    /// <summary>Whether a request is to become a WebSocket.</summary>
    public static bool IsUpgrade(IFeatureCollection features, IHeaderDictionary headers) =>
        features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true, Protocol: "websocket" }
        || headers.Upgrade.Any(v => string.Equals(v, "websocket", StringComparison.OrdinalIgnoreCase));

    private static void Choose(CandidateSet candidates, bool isUpgrade)
    {
        int found = -1;
        bool hasOthers = false;
        bool isTaken = false;
        for (int i = 0; i < candidates.Count; i++)
        {
            if (!candidates.IsValidCandidate(i))
            {
                continue;
            }

            if (candidates[i].Endpoint.Metadata.GetMetadata<EventEndpoint>() is not { } mark)
            {
                // A fallback, as single-page applications have, answers what nobody else does: a page, to an upgrade of no use.
                hasOthers |= candidates[i].Endpoint is not RouteEndpoint { Order: int.MaxValue };
                isTaken |= candidates[i].Endpoint.Metadata.GetMetadata<TakesUpgrades>() is not null;
            }
            else if (!isUpgrade)
            {
                candidates.SetValidity(i, false);
            }
            else if (found < 0 || !mark.Server.Exists(EventEndpointExtensions.NamespaceOf(candidates[found].Values)))
            {
                found = i;
            }
        }

        if (!isUpgrade || found < 0)
        {
            return;
        }

        // An upgrade to a name that is no namespace may be meant for another endpoint; with none, it is answered 404.
        EventServer server = candidates[found].Endpoint.Metadata.GetMetadata<EventEndpoint>()!.Server;
        bool isOurs = !isTaken && (!hasOthers || server.Exists(EventEndpointExtensions.NamespaceOf(candidates[found].Values)));
        for (int i = 0; i < candidates.Count; i++)
        {
            bool isEvents = candidates[i].Endpoint.Metadata.GetMetadata<EventEndpoint>() is not null;
            candidates.SetValidity(i, candidates.IsValidCandidate(i) && (isOurs ? i == found : !isEvents));
        }
    }
}

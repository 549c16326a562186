using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Matching;
using Microsoft.Extensions.DependencyInjection;
using WsServer.Limits;

namespace WsServer.Hosting;

/// <summary>
/// Stands before authentication: without it, tokens could be tried without end, since who is refused for a token never comes
/// to the endpoint that counts.
/// </summary>
/// <remarks>
/// An attempt is not counted here but by the endpoint, or when an answer begins without it: in a <c>WebApplication</c> that
/// does not say otherwise, routing comes before <c>UseForwardedHeaders</c>, and here each client of a proxy would count as
/// the proxy.
/// </remarks>
internal sealed class AttemptGate(bool canBeRefused)
{
    // What is refused is answered at once, with nothing of the pipeline in between.
    private static readonly EndpointMetadataCollection Refused = BuildMetadata();

    /// <summary>Looks at the candidate that will be taken.</summary>
    public void Pass(HttpContext context, CandidateSet candidates, bool isUpgrade)
    {
        for (int i = 0; i < candidates.Count; i++)
        {
            if (candidates.IsValidCandidate(i))
            {
                if (candidates[i].Endpoint.Metadata.GetMetadata<CountsAttempts>() is { } counts && (isUpgrade || counts.IsAttempt(context)))
                {
                    Pass(context, candidates, i, counts);
                }

                return;
            }
        }
    }

    private void Pass(HttpContext context, CandidateSet candidates, int index, CountsAttempts counts)
    {
        if (!canBeRefused)
        {
            return;
        }

        ConnectionLimiter limiter = context.RequestServices.GetRequiredService<EventServer>().Limiter;
        if (limiter.IsSpent(context.Connection.RemoteIpAddress) && !limiter.TryAttempt(context.Connection.RemoteIpAddress, out TimeSpan retryAfter))
        {
            candidates.ReplaceEndpoint(index, new Endpoint(c => counts.RefuseAsync(c, retryAfter), Refused, "One attempt too many"), candidates[index].Values);
            return;
        }

        var attempt = new UncountedAttempt(context, limiter);
        context.Features.Set(attempt);
        context.Response.OnStarting(static attempt => ((UncountedAttempt)attempt).CountAsync(), attempt);
    }

    private static EndpointMetadataCollection BuildMetadata()
    {
        var builder = new RouteEndpointBuilder(null, Microsoft.AspNetCore.Routing.Patterns.RoutePatternFactory.Parse("/"), 0);
        new Conventions(builder).WithMetadata(TakesTokens.Instance).ShortCircuit();
        return new EndpointMetadataCollection(builder.Metadata);
    }

    private sealed class Conventions(EndpointBuilder builder) : IEndpointConventionBuilder
    {
        public void Add(Action<EndpointBuilder> convention) => convention(builder);
    }
}

/// <summary>An attempt to connect that nobody has counted yet.</summary>
internal sealed class UncountedAttempt(HttpContext context, ConnectionLimiter limiter)
{
    private bool _isCounted;

    /// <summary>The endpoint counts it, which it does not have to twice.</summary>
    public static void Take(HttpContext context)
    {
        if (context.Features.Get<UncountedAttempt>() is { } attempt)
        {
            attempt._isCounted = true;
            context.Features.Set<UncountedAttempt>(null);
        }
    }

    /// <summary>Counts it, unless that was done.</summary>
    public Task CountAsync()
    {
        if (!_isCounted)
        {
            _isCounted = true;
            limiter.NoteAttempt(context.Connection.RemoteIpAddress);
        }

        return Task.CompletedTask;
    }
}

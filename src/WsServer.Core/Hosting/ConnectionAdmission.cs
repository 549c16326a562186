using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.Extensions.DependencyInjection;
using WsServer.Limits;

namespace WsServer.Hosting;

/// <summary>
/// Asks whether a request may open a connection (see <see cref="EventServerLimits"/>), for endpoints that speak another
/// protocol than <c>MapEvents</c> does. Who is refused is answered 429, before the upgrade.
/// </summary>
public static class ConnectionAdmission
{
    /// <summary>Counts an attempt to connect, before anything else is looked at: one that fails for another reason counts as well. See also <see cref="CountsAttempts"/>.</summary>
    /// <param name="context">The request.</param>
    /// <param name="retryAfter">After how long to try again, when there were too many.</param>
    public static bool TryCountEventAttempt(this HttpContext context, out TimeSpan retryAfter)
    {
        ArgumentNullException.ThrowIfNull(context);
        UncountedAttempt.Take(context);
        return FindServer(context).Limiter.TryAttempt(context.Connection.RemoteIpAddress, out retryAfter);
    }

    /// <summary>Takes a place among the connections of the request's address and user.</summary>
    /// <param name="context">The request.</param>
    /// <param name="place">The place, to be disposed when the connection has ended.</param>
    /// <param name="retryAfter">After how long to try again, when there is none.</param>
    public static bool TryTakeEventPlace(this HttpContext context, [NotNullWhen(true)] out ClientPlace? place, out TimeSpan retryAfter)
    {
        ArgumentNullException.ThrowIfNull(context);
        EventServer server = FindServer(context);
        place = server.Limiter.TryEnter(context.Connection.RemoteIpAddress, context.Features.Get<IHttpAuthenticationFeature>()?.User);
        retryAfter = place is null ? server.Runtime.Options.ReconnectDelay : TimeSpan.Zero;
        return place is not null;
    }

    /// <summary>
    /// By what the user of a request is known again: the id that was authenticated, or else the name; null for nobody. What
    /// one user was given the secret of is nobody else's, even if somebody else has come by it.
    /// </summary>
    public static string? FindEventIdentity(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);

        // Not context.User, which makes somebody anonymous where nobody was found.
        return context.Features.Get<IHttpAuthenticationFeature>()?.User is { } user ? UserIdentity.Of(user) : null;
    }

    private static EventServer FindServer(HttpContext context) => context.RequestServices.GetRequiredService<EventServer>();
}

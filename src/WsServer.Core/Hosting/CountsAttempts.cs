using Microsoft.AspNetCore.Http;

namespace WsServer.Hosting;

/// <summary>
/// Metadata of an endpoint whose requests open connections, for other protocols than that of <c>MapEvents</c>: who is over
/// <see cref="EventServerLimits.ConnectionAttemptsPerSecond"/> is refused as soon as the request is routed, before
/// authentication, and whom authorization refuses has made an attempt. An endpoint counts those that reach it itself, with
/// <see cref="ConnectionAdmission.TryCountEventAttempt"/>.
/// </summary>
/// <param name="isAttempt">Whether a request is an attempt to connect. An upgrade always is.</param>
/// <param name="refuse">Answers a request that is one too many; the time is that after which to try again.</param>
public sealed class CountsAttempts(Func<HttpContext, bool> isAttempt, Func<HttpContext, TimeSpan, Task> refuse)
{
    internal bool IsAttempt(HttpContext context) => isAttempt(context);

    internal Task RefuseAsync(HttpContext context, TimeSpan retryAfter) => refuse(context, retryAfter);
}

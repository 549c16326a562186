using System.Net;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features.Authentication;
using WsServer.Access;

namespace WsServer;

/// <summary>How a socket came: the request that opened its connection, and what it said when joining the namespace.</summary>
/// <remarks>Headers and query belong to the request and are to be read while the connection lives.</remarks>
public sealed record Handshake
{
    // Ticks rather than a date: one is held for each connection.
    private long _expires;

    // Made when asked for: a server that looks at neither holds neither for its connections.
    private IHeaderDictionary? _headers;
    private ClaimsPrincipal? _user;

    /// <summary>The request's headers.</summary>
    public IHeaderDictionary Headers
    {
        get => _headers ??= new HeaderDictionary();
        init => _headers = value;
    }

    /// <summary>The query of the URL.</summary>
    public IQueryCollection Query { get; init; } = QueryCollection.Empty;

    /// <summary>The client's address, when the transport knows one.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>When the connection was opened.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>Whether the connection is encrypted.</summary>
    public bool IsSecure { get; init; }

    /// <summary>Who the request said it was from, as ASP.NET Core's authentication found; anonymous without.</summary>
    public ClaimsPrincipal User
    {
        get => _user ??= new(new ClaimsIdentity());
        init => _user = value;
    }

    /// <summary>The same; null where nobody was found.</summary>
    internal ClaimsPrincipal? FoundUser => _user;

    /// <summary>Until when that holds, as far as the authentication has said.</summary>
    public DateTimeOffset? Expires
    {
        get => _expires == 0 ? null : new DateTimeOffset(_expires, TimeSpan.Zero);
        init => _expires = value?.UtcTicks ?? 0;
    }

    /// <summary>What the endpoint that it came by requires; null when that is nothing.</summary>
    internal AccessRule? EndpointRule { get; init; }

    /// <summary>That of a request.</summary>
    /// <param name="context">The request that opens the connection.</param>
    /// <param name="time">For <see cref="Time"/>.</param>
    public static Handshake From(HttpContext context, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(time);
        var handshake = new Handshake
        {
            Headers = context.Request.Headers,
            Query = context.Request.Query,
            Address = context.Connection.RemoteIpAddress,
            Time = time.GetUtcNow(),
            IsSecure = context.Request.IsHttps,
            EndpointRule = EndpointRules.Find(context),
            Expires = context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Properties?.ExpiresUtc,
        };

        // Not context.User, which makes somebody anonymous where nobody was found.
        return context.Features.Get<IHttpAuthenticationFeature>()?.User is { } user ? handshake with { User = user } : handshake;
    }

    /// <summary>The <c>auth</c> of the client's <c>connect</c>; null for the namespace of the URL.</summary>
    public JsonElement? Auth { get; init; }

    /// <summary>For people: without the headers, the query and <see cref="Auth"/>, where tokens are.</summary>
    public override string ToString() => $"{nameof(Handshake)} {{ {nameof(Address)} = {Address}, {nameof(Time)} = {Time:O}, {nameof(IsSecure)} = {IsSecure} }}";
}

using System.Buffers.Text;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using WsServer.Access;

namespace WsServer.Hosting;

/// <summary>Marks an endpoint whose requests may bring their token in the URL or as a subprotocol.</summary>
internal sealed class TakesTokens
{
    public static readonly TakesTokens Instance = new();
}

/// <summary>
/// What is secret in the URL of a request: the token of one that cannot have an <c>Authorization</c> header, as a browser's
/// WebSocket, and the session that a client wants to come back to. Both are taken out of the URL before anything looks at
/// the request, the server's log and its activity first of all. The token becomes that header as soon as routing has found
/// an endpoint of the event server, which is before authentication. Any other endpoint gets the URL back as it was.
/// </summary>
internal sealed class RequestToken : IEndpointFeature
{
    /// <summary>What comes before the token in the name of a subprotocol.</summary>
    public const string SubprotocolPrefix = "bearer.";

    private const string QueryName = "access_token";
    private const string SessionName = "session";

    // What every request of Engine.IO has in its query, whatever its path.
    private const string EngineMark = "EIO";

    private readonly IHttpRequestFeature _request;

    // Until it is decided whose the request is: a connection is not to hold its token for as long as it lasts.
    private (string Query, string Target) _original;
    private string? _queryToken;
    private string? _session;
    private Endpoint? _endpoint;
    private bool _isDecided;

    private RequestToken(IHttpRequestFeature request, in Secrets secrets)
    {
        _request = request;
        _queryToken = secrets.Token;
        _session = secrets.Session;
        _original = (request.QueryString, request.RawTarget);
        if (secrets.Any)
        {
            SetQuery(secrets.Rest);
        }
    }

    public Endpoint? Endpoint
    {
        get => _endpoint;
        set
        {
            _endpoint = value;
            if (value is null || _isDecided)
            {
                // A page about an error, say, for which the request is routed once more.
                return;
            }

            _isDecided = true;
            if (value.Metadata.GetMetadata<TakesTokens>() is not null)
            {
                Authorize();
                if (_session is not null && value.Metadata.GetMetadata<EventEndpoint>() is null)
                {
                    // Another protocol of the event server: it has sessions of its own, if any.
                    SetQuery(Without(_original.Query, token: _queryToken is not null, session: false));
                    _session = null;
                }
            }
            else if (_queryToken is not null || _session is not null)
            {
                (_request.QueryString, _request.RawTarget) = _original;
                _session = null;
            }

            _queryToken = null;
            _original = default;
        }
    }

    /// <summary>Takes the secrets of a request aside, if it has some that may be for the event server.</summary>
    /// <param name="features">The request.</param>
    /// <param name="withQuery">Whether the URL may bring a token.</param>
    public static void TakeFrom(IFeatureCollection features, bool withQuery)
    {
        if (features.Get<IHttpRequestFeature>() is not { } request)
        {
            return;
        }

        Secrets secrets = SecretsIn(features, request, withQuery);
        if (secrets.Any || request.Headers.SecWebSocketProtocol.ToString().Contains(SubprotocolPrefix, StringComparison.Ordinal))
        {
            features.Set<IEndpointFeature>(new RequestToken(request, secrets));
        }
    }

    /// <summary>Hands over the session that the URL asked for, once: no connection is to hold it.</summary>
    /// <param name="features">The request.</param>
    public static string? TakeSession(IFeatureCollection features)
    {
        if (features.Get<IEndpointFeature>() is not RequestToken taken)
        {
            return null;
        }

        string? session = taken._session;
        taken._session = null;
        return session;
    }

    private static Secrets SecretsIn(IFeatureCollection features, IHttpRequestFeature request, bool withToken)
    {
        string query = request.QueryString;
        if (query.Length <= SessionName.Length)
        {
            return default;
        }

        string? token = null;
        string? session = null;
        bool isEngine = false;
        foreach (QueryStringEnumerable.EncodedNameValuePair pair in new QueryStringEnumerable(query))
        {
            ReadOnlySpan<char> name = pair.DecodeName().Span;
            if (withToken && Is(name, QueryName))
            {
                token ??= pair.DecodeValue().ToString();
            }
            else if (session is null && Is(name, SessionName) && RandomId.IsOne(pair.DecodeValue().Span))
            {
                session = pair.DecodeValue().ToString();
            }

            isEngine |= Is(name, EngineMark);
        }

        // No request of Engine.IO asks for a session of ours: what it calls so is the program's affair.
        session = isEngine ? null : session;
        return (token is null && session is null) || !(isEngine || UpgradeMatcherPolicy.IsUpgrade(features, request.Headers))
            ? default
            : new Secrets(token, session, Without(query, token is not null, session is not null));
    }

    private static string Without(string query, bool token, bool session)
    {
        var others = new StringBuilder();
        foreach (QueryStringEnumerable.EncodedNameValuePair pair in new QueryStringEnumerable(query))
        {
            ReadOnlySpan<char> name = pair.DecodeName().Span;
            if (!(token && Is(name, QueryName)) && !(session && Is(name, SessionName)))
            {
                others.Append(others.Length == 0 ? '?' : '&').Append(pair.EncodedName.Span).Append('=').Append(pair.EncodedValue.Span);
            }
        }

        return others.ToString();
    }

    private static bool Is(ReadOnlySpan<char> name, string other) => name.Equals(other, StringComparison.OrdinalIgnoreCase);

    private void SetQuery(string query)
    {
        int mark = _original.Target.IndexOf('?', StringComparison.Ordinal);
        _request.QueryString = query;
        _request.RawTarget = mark < 0 ? _original.Target : _original.Target[..mark] + query;
    }

    private static string? Decode(ReadOnlySpan<char> base64Url)
    {
        try
        {
            return Encoding.UTF8.GetString(Base64Url.DecodeFromChars(base64Url));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private void Authorize()
    {
        string? token = TakeSubprotocol() ?? _queryToken;
        if (StringValues.IsNullOrEmpty(_request.Headers.Authorization) && TokenAuthenticator.IsToken(token))
        {
            _request.Headers.Authorization = $"Bearer {token}";
        }
    }

    private string? TakeSubprotocol()
    {
        string? token = null;
        var others = new List<string>();
        foreach (string name in _request.Headers.GetCommaSeparatedValues("Sec-WebSocket-Protocol"))
        {
            if (name.StartsWith(SubprotocolPrefix, StringComparison.Ordinal))
            {
                token ??= Decode(name.AsSpan(SubprotocolPrefix.Length));
            }
            else
            {
                others.Add(name);
            }
        }

        // Nobody is to select it: it would come back in the answer.
        _request.Headers.SecWebSocketProtocol = others.Count == 0 ? StringValues.Empty : string.Join(", ", others);
        return token;
    }

    /// <summary>What is secret in a query, and the rest of it.</summary>
    private readonly record struct Secrets(string? Token, string? Session, string Rest)
    {
        public bool Any => Rest is not null;
    }
}

/// <summary>Makes the contexts of requests as before, once their tokens are aside. It is called before the server logs a request.</summary>
internal sealed class TokenHidingContextFactory(IHttpContextFactory inner, bool withQuery) : IHttpContextFactory
{
    public HttpContext Create(IFeatureCollection featureCollection)
    {
        RequestToken.TakeFrom(featureCollection, withQuery);
        return inner.Create(featureCollection);
    }

    public void Dispose(HttpContext httpContext) => inner.Dispose(httpContext);
}

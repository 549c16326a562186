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
/// The token of a request that cannot have an <c>Authorization</c> header, as a browser's WebSocket. It is taken out of the
/// URL before anything looks at the request, the server's log and its activity first of all, and becomes that header
/// as soon as routing has found an endpoint of the event server, which is before authentication. Any other endpoint gets
/// the URL back as it was.
/// </summary>
internal sealed class RequestToken : IEndpointFeature
{
    /// <summary>What comes before the token in the name of a subprotocol.</summary>
    public const string SubprotocolPrefix = "bearer.";

    private const string QueryName = "access_token";

    // What every request of Engine.IO has in its query, whatever its path.
    private const string EngineMark = "EIO";

    private readonly IHttpRequestFeature _request;

    // Until it is decided whose the request is: a connection is not to hold its token for as long as it lasts.
    private (string Query, string Target) _original;
    private string? _queryToken;
    private Endpoint? _endpoint;
    private bool _isDecided;

    private RequestToken(IHttpRequestFeature request, string? queryToken, string query)
    {
        _request = request;
        _queryToken = queryToken;
        _original = (request.QueryString, request.RawTarget);
        if (queryToken is not null)
        {
            int mark = request.RawTarget.IndexOf('?', StringComparison.Ordinal);
            request.QueryString = query;
            request.RawTarget = mark < 0 ? request.RawTarget : request.RawTarget[..mark] + query;
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
            }
            else if (_queryToken is not null)
            {
                (_request.QueryString, _request.RawTarget) = _original;
            }

            _queryToken = null;
            _original = default;
        }
    }

    /// <summary>Takes the token of a request aside, if it has one that may be for the event server.</summary>
    /// <param name="features">The request.</param>
    /// <param name="withQuery">Whether the URL may bring it.</param>
    public static void TakeFrom(IFeatureCollection features, bool withQuery)
    {
        if (features.Get<IHttpRequestFeature>() is not { } request)
        {
            return;
        }

        string? token = null;
        string rest = "";
        bool isInQuery = withQuery && request.QueryString.Length > QueryName.Length
            && TrySplit(request.QueryString, out token, out rest, out bool isEngine)
            && (isEngine || UpgradeMatcherPolicy.IsUpgrade(features, request.Headers));
        if (isInQuery || request.Headers.SecWebSocketProtocol.ToString().Contains(SubprotocolPrefix, StringComparison.Ordinal))
        {
            features.Set<IEndpointFeature>(new RequestToken(request, isInQuery ? token : null, rest));
        }
    }

    private static bool TrySplit(string query, out string? token, out string rest, out bool isEngine)
    {
        token = null;
        isEngine = false;
        var others = new StringBuilder();
        foreach (QueryStringEnumerable.EncodedNameValuePair pair in new QueryStringEnumerable(query))
        {
            ReadOnlySpan<char> name = pair.DecodeName().Span;
            if (name.Equals(QueryName, StringComparison.OrdinalIgnoreCase))
            {
                token ??= pair.DecodeValue().ToString();
                continue;
            }

            isEngine |= name.Equals(EngineMark, StringComparison.OrdinalIgnoreCase);
            others.Append(others.Length == 0 ? '?' : '&').Append(pair.EncodedName.Span).Append('=').Append(pair.EncodedValue.Span);
        }

        rest = others.ToString();
        return token is not null;
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

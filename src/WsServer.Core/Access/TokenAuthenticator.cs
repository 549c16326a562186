using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using WsServer.Diagnostics;

namespace WsServer.Access;

/// <summary>Finds out whose token it is that came inside a connection, by asking the framework as a request with that token would.</summary>
internal sealed class TokenAuthenticator(EventRuntime runtime)
{
    // What a header can carry: RFC 9110, section 11.2, and no more than that.
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");

    /// <summary>Whether this may stand in an <c>Authorization</c> header.</summary>
    public static bool IsToken(string? text) => !string.IsNullOrEmpty(text) && !text.AsSpan().ContainsAnyExcept(TokenCharacters);

    /// <summary>The token of an <c>auth</c> or of the data of <c>$auth</c>: the string itself, or its member <c>token</c>.</summary>
    public static string? TokenIn(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Object when json.TryGetProperty("token"u8, out JsonElement token) && token.ValueKind == JsonValueKind.String => token.GetString(),
        _ => null,
    };

    /// <summary>Authenticates a token.</summary>
    /// <param name="token">The token.</param>
    /// <param name="socket">The socket of the connection that it came by.</param>
    public async ValueTask<TokenResult> AuthenticateAsync(string token, EventSocket socket)
    {
        AsyncServiceScope scope = runtime.Scopes.CreateAsyncScope();
        await using ConfiguredAsyncDisposable disposing = scope.ConfigureAwait(false);
        if (await FindSchemeAsync(scope.ServiceProvider).ConfigureAwait(false) is not { } scheme)
        {
            return default;
        }

        TokenBudget budget = socket.TokenBudget;
        if (await budget.EnterAsync().ConfigureAwait(false) is { } excess)
        {
            return new TokenResult(IsTaken: true, null, excess);
        }

        try
        {
            return IsToken(token) ? await AuthenticateAsync(token, scheme, socket.Handshake, scope.ServiceProvider).ConfigureAwait(false) : new TokenResult(IsTaken: true, null);
        }
        finally
        {
            budget.Done();
        }
    }

    /// <summary>Authenticates the token in the <c>auth</c> of a socket's <c>connect</c>; why the socket is turned away, or null.</summary>
    public async ValueTask<EventError?> IdentifyAsync(EventSocket socket)
    {
        if (socket.Handshake.Auth is not { } auth || TokenIn(auth) is not { } token)
        {
            return null;
        }

        try
        {
            TokenResult result = await AuthenticateAsync(token, socket).ConfigureAwait(false);
            if (result.Excess is { } excess)
            {
                return excess;
            }

            socket.Own = result.Credential;

            // What is no token to the scheme may be the program's own affair, where nobody need be known.
            return result is { IsTaken: true, Credential: null } && socket.Namespace.Access is { GuardsAdmission: true } ? TokenResult.Refused : null;
        }
        catch (Exception exception)
        {
            runtime.Logger.TokenFailed(exception, socket.Id, socket.Namespace.Name);
            return runtime.Describe(exception);
        }
    }

    private async ValueTask<TokenResult> AuthenticateAsync(string token, string scheme, Handshake handshake, IServiceProvider services)
    {
        // The token alone: cookies of the handshake would pass for it.
        var context = new DefaultHttpContext { RequestServices = services };
        context.Request.Scheme = handshake.IsSecure ? Uri.UriSchemeHttps : Uri.UriSchemeHttp;
        context.Request.Headers.Host = handshake.Headers.Host;
        context.Request.Headers.Authorization = $"Bearer {token}";
        context.Connection.RemoteIpAddress = handshake.Address;
        IAuthenticationService authentication = services.GetRequiredService<IAuthenticationService>();
        AuthenticateResult result = await authentication.AuthenticateAsync(context, scheme).ConfigureAwait(false);
        if (!result.Succeeded)
        {
            return new TokenResult(IsTaken: !result.None, null);
        }

        DateTimeOffset? expires = result.Properties?.ExpiresUtc;
        return new TokenResult(IsTaken: true, expires <= runtime.Time.GetUtcNow() ? null : new Credential(result.Principal, expires, Credential.HashOf(token)));
    }

    private async ValueTask<string?> FindSchemeAsync(IServiceProvider services) =>
        services.GetService<IAuthenticationSchemeProvider>() is { } schemes
            ? runtime.Options.TokenScheme ?? (await schemes.GetDefaultAuthenticateSchemeAsync().ConfigureAwait(false))?.Name
            : null;
}

/// <summary>What became of a token.</summary>
/// <param name="IsTaken">Whether there is a scheme that looks at such tokens.</param>
/// <param name="Credential">Whose it is; null when it is not valid.</param>
/// <param name="Excess">Why it was not looked at; null when it was.</param>
internal readonly record struct TokenResult(bool IsTaken, Credential? Credential, EventError? Excess = null)
{
    /// <summary>What a client is told whose token is not valid.</summary>
    public static readonly EventError Refused = new(ErrorCodes.Unauthorized, "The token is not valid.");
}

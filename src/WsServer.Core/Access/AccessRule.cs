using System.Runtime.CompilerServices;
using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace WsServer.Access;

/// <summary>
/// What the framework's policies demand of whoever wants something. They are evaluated each time it is wanted: what a
/// requirement looks at may have changed, and is not for the server to know.
/// </summary>
internal sealed class AccessRule
{
    private static readonly EventError Unauthorized = new(ErrorCodes.Unauthorized, "Only for those who are signed in.");
    private static readonly EventError Forbidden = new(ErrorCodes.Forbidden, "This user may not do that.");

    private readonly IAuthorizeData[] _data;
    private readonly AuthorizationPolicy[] _policies;
    private volatile AuthorizationPolicy? _combined;

    private AccessRule(IAuthorizeData[] data, AuthorizationPolicy[] policies)
    {
        _data = data;
        _policies = policies;
    }

    /// <summary>All of these policies; the default policy when none is named.</summary>
    public static AccessRule Of(string[] policies)
    {
        ArgumentNullException.ThrowIfNull(policies);
        foreach (string policy in policies)
        {
            // An attribute without a name would be the default policy: less than was meant.
            ArgumentException.ThrowIfNullOrEmpty(policy, nameof(policies));
        }

        return new(policies.Length == 0 ? [new AuthorizeAttribute()] : [.. policies.Select(p => new AuthorizeAttribute(p))], []);
    }

    /// <summary>A policy that is built here.</summary>
    public static AccessRule Of(Action<AuthorizationPolicyBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var builder = new AuthorizationPolicyBuilder();
        configure(builder);
        return new([], [builder.Build()]);
    }

    /// <summary>What the framework demands of requests to an endpoint, the fallback policy included; null when that is nothing whatever the policies are.</summary>
    public static AccessRule? Of(Endpoint? endpoint)
    {
        if (endpoint is null || endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
        {
            return null;
        }

        IAuthorizationRequirement[] requirements = [.. endpoint.Metadata.GetOrderedMetadata<IAuthorizationRequirementData>().SelectMany(d => d.GetRequirements())];
        AuthorizationPolicy[] policies = [.. endpoint.Metadata.GetOrderedMetadata<AuthorizationPolicy>()];
        return new(
            [.. endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>()],
            requirements.Length == 0 ? policies : [.. policies, new AuthorizationPolicyBuilder().AddRequirements(requirements).Build()]);
    }

    /// <summary>Both rules; the first may be none.</summary>
    public static AccessRule Both(AccessRule? first, AccessRule second) =>
        first is null ? second : new([.. first._data, .. second._data], [.. first._policies, .. second._policies]);

    /// <summary>Why somebody may not, or null when he may.</summary>
    /// <param name="user">Who.</param>
    /// <param name="resource">What for, as requirements see it.</param>
    /// <param name="scopes">Makes the services of the evaluation, which last no longer than it.</param>
    public async ValueTask<EventError?> CheckAsync(ClaimsPrincipal user, object resource, IServiceScopeFactory scopes)
    {
        AsyncServiceScope scope = scopes.CreateAsyncScope();
        await using ConfiguredAsyncDisposable disposing = scope.ConfigureAwait(false);
        if ((_combined ?? await CombineAsync(scope.ServiceProvider).ConfigureAwait(false)) is not { } policy)
        {
            return null;
        }

        IAuthorizationService authorization = scope.ServiceProvider.GetRequiredService<IAuthorizationService>();
        AuthorizationResult result = await authorization.AuthorizeAsync(user, resource, policy).ConfigureAwait(false);
        return result.Succeeded ? null : UserIdentity.IsSignedIn(user) ? Forbidden : Unauthorized;
    }

    // None for an endpoint of which nothing is required.
    private async ValueTask<AuthorizationPolicy?> CombineAsync(IServiceProvider services)
    {
        if (services.GetService<IAuthorizationPolicyProvider>() is not { } provider)
        {
            return _data.Length + _policies.Length == 0 ? null : throw new InvalidOperationException("RequireAuthorization needs builder.Services.AddAuthorization().");
        }

        AuthorizationPolicy? combined = await AuthorizationPolicy.CombineAsync(provider, _data, _policies).ConfigureAwait(false);
        if (provider.AllowsCachingPolicies)
        {
            _combined = combined;
        }

        return combined;
    }
}

using Microsoft.AspNetCore.Authorization;
using WsServer.Access;

namespace WsServer;

public sealed partial class EventNamespace
{
    private NamespaceAccess? _access;

    /// <summary>Who may be in; null when there is nothing to ask.</summary>
    internal NamespaceAccess? Access => _access;

    /// <summary>
    /// Lets in whom the policies let pass, by default who is signed in; others get a <c>connect_error</c>:
    /// <c>unauthorized</c> when nobody is signed in, else <c>forbidden</c>. The policies see the <see cref="EventSocket"/> as
    /// their resource and come before the middleware of <see cref="Use"/>; they are evaluated again for a client that comes
    /// back and when credentials are refreshed. Several calls add up.
    /// </summary>
    /// <param name="policies">Names of policies; none for the default policy.</param>
    public EventNamespace RequireAuthorization(params string[] policies) => Require(AccessRule.Of(policies));

    /// <summary>The same with a policy of its own.</summary>
    /// <inheritdoc cref="RequireAuthorization(string[])" />
    public EventNamespace RequireAuthorization(Action<AuthorizationPolicyBuilder> configure) => Require(AccessRule.Of(configure));

    /// <summary>
    /// Keeps rooms for those whom the policies let pass. <see cref="EventSocket.JoinAsync"/> throws for others
    /// <c>unauthorized</c> or <c>forbidden</c>, and who may no longer be in a room after a refresh is taken out and told. The
    /// policies see a <see cref="RoomAccess"/> as their resource.
    /// </summary>
    /// <param name="matches">Which rooms. Quick, and free of side effects.</param>
    /// <param name="policies">Names of policies; none for the default policy.</param>
    public EventNamespace RequireAuthorizationInRooms(Func<string, bool> matches, params string[] policies) => RequireInRooms(matches, AccessRule.Of(policies));

    /// <summary>The same with a policy of its own.</summary>
    /// <inheritdoc cref="RequireAuthorizationInRooms(Func{string, bool}, string[])" />
    public EventNamespace RequireAuthorizationInRooms(Func<string, bool> matches, Action<AuthorizationPolicyBuilder> configure) =>
        RequireInRooms(matches, AccessRule.Of(configure));

    private EventNamespace Require(AccessRule rule)
    {
        MakeAccess().Require(rule);
        return this;
    }

    private EventNamespace RequireInRooms(Func<string, bool> matches, AccessRule rule)
    {
        ArgumentNullException.ThrowIfNull(matches);
        MakeAccess().RequireInRooms(matches, rule);
        return this;
    }

    private NamespaceAccess MakeAccess() => _access ?? Interlocked.CompareExchange(ref _access, new NamespaceAccess(_runtime), null) ?? _access;
}

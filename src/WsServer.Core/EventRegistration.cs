using Microsoft.AspNetCore.Authorization;
using WsServer.Access;
using WsServer.Dispatch;

namespace WsServer;

/// <summary>A registered handler. Disposing removes it.</summary>
public sealed class EventRegistration : IDisposable
{
    private readonly HandlerTable _table;
    private readonly Handler _handler;

    internal EventRegistration(HandlerTable table, string name, Handler handler)
    {
        _table = table;
        _handler = handler;
        Event = name;
    }

    /// <summary>The event's name.</summary>
    public string Event { get; }

    /// <summary>
    /// Runs the handler for those only whom the policies let pass, by default who is signed in. For others the event is
    /// answered <c>unauthorized</c> when nobody is signed in, else <c>forbidden</c>, and none of its handlers runs. The policies
    /// see the <see cref="EventContext"/> as their resource. Several calls add up.
    /// </summary>
    /// <param name="policies">Names of policies; none for the default policy.</param>
    public EventRegistration RequireAuthorization(params string[] policies)
    {
        _handler.Require(AccessRule.Of(policies));
        return this;
    }

    /// <summary>The same with a policy of its own.</summary>
    /// <inheritdoc cref="RequireAuthorization(string[])" />
    public EventRegistration RequireAuthorization(Action<AuthorizationPolicyBuilder> configure)
    {
        _handler.Require(AccessRule.Of(configure));
        return this;
    }

    /// <summary>Removes the handler.</summary>
    public void Dispose() => _table.Remove(Event, _handler);
}

using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using WsServer.Access;
using WsServer.Connections;
using WsServer.Diagnostics;
using WsServer.Wire;

namespace WsServer.Dispatch;

/// <summary>Whom the connection acts for, for how long, and how that changes.</summary>
internal sealed partial class Session
{
    private volatile Credential? _credential;
    private TokenBudget? _tokenBudget;

    /// <summary>What has taken the place of the handshake's credentials; null while they are in force.</summary>
    public Credential? Credential => _credential;

    public TokenBudget TokenBudget =>
        _tokenBudget ?? Interlocked.CompareExchange(ref _tokenBudget, new TokenBudget(_runtime), null) ?? _tokenBudget;

    /// <summary>Swaps credentials and lets the policies decide again; completes when they have.</summary>
    public Task RefreshAsync(EventSocket socket, Credential credential) => ReviewAsync(socket, credential, Swap(socket, credential));

    /// <summary>Ends what acts with credentials that are over. A socket that is still joining may be about to show its own.</summary>
    public void EndExpired(DateTimeOffset now)
    {
        EventSocket[] sockets = _sockets;
        DateTimeOffset? expires = _credential is { } credential ? credential.Expires : _handshake.Expires;
        if (expires <= now && (sockets.Length == 0 || Array.Exists(sockets, s => s.Connected && s.Own is null)))
        {
            _outbox.Complete(Closing.Expired);
            return;
        }

        foreach (EventSocket socket in sockets)
        {
            if (socket.Own is { } own && own.Expires <= now)
            {
                new Review(socket, _runtime, _outbox).PutOut(Closing.Expired.Error!);
            }
        }
    }

    // Nothing else of the client is read until it is done.
    private async ValueTask ReceiveTokenAsync(Packet packet, string ns, EventSocket socket)
    {
        _runtime.Metrics.EventReceived();
        EventError? error;
        Credential? credential = null;
        EventSocket[] concerned = [];
        try
        {
            (error, credential) = await AuthenticateAsync(packet, socket).ConfigureAwait(false);
            if (credential is not null)
            {
                // The very same token changes nothing, so nobody needs to look at anything again.
                concerned = ReferenceEquals(credential, socket.Credential) ? [] : Swap(socket, credential);
                Acknowledge(packet, ns, credential);
            }
        }
        catch (Exception exception)
        {
            _runtime.Logger.TokenFailed(exception, socket.Id, ns);
            error = _runtime.Describe(exception);
        }

        if (error is not null)
        {
            _runtime.Logger.TokenRefused(socket.Id, ns, error.Code);
            _outbox.PostError(packet.Refuse(packet.Id.IsNone ? WithEvent(error, packet.Event!) : error, ns));
        }

        if (credential is not null)
        {
            await ReviewAsync(socket, credential, concerned).ConfigureAwait(false);
        }
    }

    private async Task ReviewAsync(EventSocket socket, Credential credential, EventSocket[] concerned)
    {
        // What the endpoint requires, it requires of the connection: not of who joins one namespace with another token.
        if (Array.Exists(concerned, s => s.Own is null)
            && _handshake.EndpointRule is { } rule
            && await CheckAsync(rule, socket, credential).ConfigureAwait(false) is { } refusal)
        {
            _runtime.Logger.PutOut(socket.Id, socket.Namespace.Name, refusal.Code);
            _outbox.Complete(Closing.NotAllowed(refusal));
            return;
        }

        foreach (EventSocket one in concerned)
        {
            await one.Life.ReviewAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask<EventError?> CheckAsync(AccessRule rule, EventSocket socket, Credential credential)
    {
        try
        {
            return await rule.CheckAsync(credential.User, socket, _runtime.Scopes).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            _runtime.Logger.LifecycleFailed(exception, "authorization", socket.Id, socket.Namespace.Name);
            return _runtime.Describe(exception);
        }
    }

    private async ValueTask<(EventError? Error, Credential? Credential)> AuthenticateAsync(Packet packet, EventSocket socket)
    {
        if (packet.Arguments.Count != 1 || TokenAuthenticator.TokenIn(ParseAuth(packet.Arguments)) is not { } token)
        {
            return (new EventError(ErrorCodes.InvalidData, "The one argument is the token, or an object with a member 'token'."), null);
        }

        if (socket.Credential is { } present && present.IsOf(token, _runtime.Time.GetUtcNow()))
        {
            return (null, present);
        }

        TokenResult result = await _runtime.Tokens.AuthenticateAsync(token, socket).ConfigureAwait(false);
        if (result.Credential is not { } credential)
        {
            return (result.Excess is { } excess ? excess : result.IsTaken ? TokenResult.Refused : new EventError(ErrorCodes.UnknownEvent, "This server takes no tokens."), null);
        }

        // Rooms and what the program keeps belong to whom they were given to.
        return UserIdentity.Of(socket.CredentialUser) is { } identity && identity != UserIdentity.Of(credential.User)
            ? (new EventError(ErrorCodes.Forbidden, "The token is somebody else's."), null)
            : (null, credential);
    }

    private static EventError WithEvent(EventError error, string name)
    {
        var details = (JsonObject?)error.Details?.DeepClone() ?? [];
        details["event"] = name;
        return error with { Details = details };
    }

    /// <summary>Swaps; returns the sockets that this concerns.</summary>
    private EventSocket[] Swap(EventSocket socket, Credential credential)
    {
        if (socket.Own is not null)
        {
            socket.Own = credential;
            return [socket];
        }

        _credential = credential;
        return Array.FindAll(_sockets, s => s.Own is null);
    }

    private void Acknowledge(in Packet packet, string ns, Credential credential)
    {
        if (packet.Id.IsNone)
        {
            return;
        }

        string json = "{}";
        if (credential.Expires is { } expires)
        {
            long left = (long)(expires - _runtime.Time.GetUtcNow()).TotalMilliseconds;
            json = string.Create(CultureInfo.InvariantCulture, $$"""{"expiresInMs":{{left}}}""");
        }

        _outbox.Post(new Packet(PacketKind.Ack) { Namespace = ns, Id = packet.Id, Arguments = new JsonArguments(Encoding.UTF8.GetBytes(json), 1) });
    }
}

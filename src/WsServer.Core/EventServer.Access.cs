using System.Security.Claims;
using WsServer.Access;
using WsServer.Connections;
using WsServer.Dispatch;

namespace WsServer;

public sealed partial class EventServer
{
    /// <summary>
    /// Gives the client of a socket other credentials, as a client does with <c>$auth</c>: to all sockets of its connection
    /// that go by the credentials of the connection, or to the socket alone if it has joined with a token of its own. Then the
    /// policies of the endpoint, of namespaces and of rooms are evaluated again. A <see cref="EventSocket.User"/> that the program has set on this
    /// socket is forgotten; on others it stays.
    /// </summary>
    /// <param name="socket">A socket of the client.</param>
    /// <param name="user">Whom it acts for from now on. May be somebody else: rooms and <see cref="EventSocket.Items"/> stay as they are.</param>
    /// <param name="expires">Until when; see <see cref="EventServerOptions.CloseOnAuthenticationExpiration"/>.</param>
    /// <returns>Completes when who may no longer be somewhere is out, or its connection is being closed.</returns>
    public Task RefreshAsync(EventSocket socket, ClaimsPrincipal user, DateTimeOffset? expires = null)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(user);
        if (socket.Namespace.Runtime != _runtime)
        {
            throw new ArgumentException("The socket is another server's.", nameof(socket));
        }

        socket.ForgetUser();
        return socket.Life.Owner.RefreshAsync(socket, new Credential(user, expires));
    }

    // With the heartbeat, so that no connection needs a timer.
    private void EndExpired()
    {
        if (!_runtime.Options.CloseOnAuthenticationExpiration)
        {
            return;
        }

        DateTimeOffset now = _runtime.Time.GetUtcNow();
        foreach ((Connection _, Session session) in _open)
        {
            session.EndExpired(now);
        }
    }
}

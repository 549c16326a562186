using System.Text.Json.Nodes;

namespace WsServer.Access;

/// <summary>Who may be in a namespace, and in which of its rooms. Grows while the program sets itself up, and is read without a lock.</summary>
internal sealed class NamespaceAccess(EventRuntime runtime)
{
    private readonly Lock _gate = new();
    private volatile AccessRule? _admission;
    private volatile RoomRule[] _rooms = [];

    /// <summary>Whether who joins needs more than to come.</summary>
    public bool GuardsAdmission => _admission is not null;

    /// <summary>Whether there are rooms that are not for everybody.</summary>
    public bool GuardsRooms => _rooms.Length > 0;

    public void Require(AccessRule rule)
    {
        lock (_gate)
        {
            _admission = AccessRule.Both(_admission, rule);
        }
    }

    public void RequireInRooms(Func<string, bool> matches, AccessRule rule)
    {
        lock (_gate)
        {
            _rooms = [.. _rooms, new RoomRule(matches, rule)];
        }
    }

    /// <summary>Whether any of these rooms is not for everybody.</summary>
    public bool GuardsAny(string[] rooms) => Array.Exists(_rooms, rule => Array.Exists(rooms, room => rule.Matches(room)));

    /// <summary>Why a socket may not be in the namespace, or null when it may.</summary>
    public ValueTask<EventError?> CheckAsync(EventSocket socket) =>
        _admission is { } rule ? rule.CheckAsync(socket.User, socket, runtime.Scopes) : default;

    /// <summary>Why a socket may not be in a room, or null when it may.</summary>
    public async ValueTask<EventError?> CheckRoomAsync(EventSocket socket, string room)
    {
        foreach (RoomRule rule in _rooms)
        {
            if (room != socket.Id
                && rule.Matches(room)
                && await rule.Rule.CheckAsync(socket.User, new RoomAccess(socket, room), runtime.Scopes).ConfigureAwait(false) is { } error)
            {
                return error with { Details = new JsonObject { ["room"] = room } };
            }
        }

        return null;
    }

    /// <summary>Puts a socket into rooms, if it may be in all of them.</summary>
    /// <exception cref="EventException">It may not be in one of them, or in so many.</exception>
    public async Task JoinAsync(EventSocket socket, string[] rooms)
    {
        if (await TryJoinAsync(socket, rooms).ConfigureAwait(false) is { } error)
        {
            throw new EventException(error);
        }
    }

    /// <summary>The same for a socket that is left out if it may not be in one of them.</summary>
    /// <returns>Why it may not.</returns>
    public async Task<EventError?> TryJoinAsync(EventSocket socket, string[] rooms)
    {
        string[] before = [.. socket.Rooms];
        try
        {
            return await TryJoinAllAsync(socket, rooms, before).ConfigureAwait(false);
        }
        catch
        {
            // Nobody has said that it may stay.
            socket.Leave([.. rooms.Except(before)]);
            throw;
        }
    }

    private async Task<EventError?> TryJoinAllAsync(EventSocket socket, string[] rooms, string[] before)
    {
        Credential? checkedWith;
        do
        {
            checkedWith = socket.Credential;
            foreach (string room in rooms)
            {
                if (await CheckRoomAsync(socket, room).ConfigureAwait(false) is { } error)
                {
                    socket.Leave([.. rooms.Except(before)]);
                    return error;
                }
            }

            if (!socket.TryJoin(rooms))
            {
                return socket.TooManyRooms();
            }

            // A refresh meanwhile looked at the rooms before the socket was in these.
        }
        while (!ReferenceEquals(checkedWith, socket.Credential));

        await socket.WhenHeard(rooms).ConfigureAwait(false);
        return null;
    }

    private sealed record RoomRule(Func<string, bool> Matches, AccessRule Rule);
}

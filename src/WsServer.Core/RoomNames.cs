namespace WsServer;

/// <summary>Which names rooms may have that are joined.</summary>
internal static class RoomNames
{
    /// <summary>The names, if all of them may be.</summary>
    /// <exception cref="EventException">One is too long: as a rule a client's, who is answered with this.</exception>
    public static string[] Checked(string[] rooms, EventServerOptions options)
    {
        foreach (string room in Broadcast.Checked(rooms))
        {
            if (room.Length > options.MaxRoomNameLength)
            {
                throw new EventException(
                    ErrorCodes.RoomNameTooLong,
                    $"The name of a room has at most {options.MaxRoomNameLength} characters.",
                    new() { ["limit"] = options.MaxRoomNameLength, ["actual"] = room.Length });
            }
        }

        return rooms;
    }
}

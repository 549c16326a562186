using WsServer;

/// <summary>A room to join or leave: <c>dev</c> or <c>music</c>.</summary>
internal sealed record RoomRequest(string? Type, string? User);

/// <summary>Somebody came into or left a room.</summary>
internal sealed record RoomNotice(string Room, string? User);

/// <summary>A message for a room that the sender is in.</summary>
internal sealed record RoomMessage(string? Room, string? Msg);

/// <summary>A message as the others in the room get it.</summary>
internal sealed record RoomChat(string Room, string? User, string Msg);

/// <summary>A message that also joins its room.</summary>
internal sealed record NamedMessage(string? Name, string? Room, string? Msg);

/// <summary>Who is in a room.</summary>
internal sealed record RoomPeople(string Room, IEnumerable<string?> People);

/// <summary>The rooms on the namespace <c>/chat</c>.</summary>
internal static class Rooms
{
    private static readonly string[] Known = ["room:dev", "room:music"];

    public static void MapRooms(this EventNamespace chat)
    {
        // Who is in a room is known on all nodes, if there are several.
        chat.UsePresence();
        chat.On<RoomRequest, string>("join-room", async (socket, request) =>
        {
            if (Find(request.Type) is not { } room)
            {
                return "The room doesn't exist";
            }

            await socket.CallAsync(request.User);
            await socket.JoinAsync(room);
            await chat.To(room).EmitAsync("hello", new RoomNotice(room, request.User));
            await chat.TellPeopleAsync(room);
            return "success";
        });

        chat.On<RoomRequest, string>("leave-room", async (socket, request) =>
        {
            if (Find(request.Type) is not { } room)
            {
                return "The room doesn't exist";
            }

            await socket.LeaveAsync(room);
            await chat.To(room).EmitAsync("goodbye", new RoomNotice(room, socket.FindName()));
            await chat.TellPeopleAsync(room);
            return "success";
        });

        chat.On<RoomMessage, object>("say", async (socket, message) =>
        {
            if (message.Room is not { } room || !socket.Rooms.Contains(room))
            {
                throw new EventException("not_in_room", "Join the room before you talk in it.");
            }

            await socket.To(room).EmitAsync("said", new RoomChat(room, socket.FindName(), message.Msg ?? ""));
            return new { Ok = true };
        });

        chat.On<NamedMessage>("chat message", async (socket, message) =>
        {
            if (string.IsNullOrEmpty(message.Room))
            {
                throw new EventException("invalid_data", "'room' is missing.", new() { ["path"] = "$.room" });
            }

            await socket.CallAsync(message.Name);
            await socket.JoinAsync(message.Room);
            await chat.To(message.Room).EmitAsync("chat message", message.Msg);
        });

        chat.OnDisconnecting((socket, _) => socket.Items["rooms"] = socket.Rooms);
        chat.OnDisconnect(async (socket, _) =>
        {
            foreach (string room in Known.Intersect((IReadOnlyList<string>)socket.Items["rooms"]!))
            {
                await chat.To(room).EmitAsync("goodbye", new RoomNotice(room, socket.FindName()));
                await chat.TellPeopleAsync(room);
            }
        });
    }

    private static string? Find(string? type) => Known.FirstOrDefault(room => room == type || room == $"room:{type}");

    // Under a string key it comes along when the client comes back, also to another node.
    private static Task CallAsync(this EventSocket socket, string? name)
    {
        socket.Items["name"] = name;
        return socket.SetPresenceAsync(name);
    }

    private static string? FindName(this EventSocket socket) => socket.Items.TryGetValue("name", out object? name) ? (string?)name : null;

    private static async Task TellPeopleAsync(this EventNamespace chat, string room)
    {
        IReadOnlyList<PresenceEntry> there = await chat.In(room).PresenceAsync();
        await chat.To(room).EmitAsync("people", new RoomPeople(room, there.Select(entry => entry.Get<string>())));
    }
}

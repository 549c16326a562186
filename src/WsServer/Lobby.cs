using System.Collections.Concurrent;
using System.Text.Json;
using WsServer;

/// <summary>Who is chatting.</summary>
/// <param name="Name">The name others see.</param>
/// <param name="Userid">An id of the client's own choice, a string or a number.</param>
internal sealed record User(string Name, JsonElement? Userid);

/// <summary>A message as a client sends it.</summary>
internal sealed record ChatMessage(string Msg);

/// <summary>A message as the others get it.</summary>
internal sealed record Chat(User From, string Msg);

/// <summary>The chat on the root namespace.</summary>
internal static class Lobby
{
    // Everybody gets the names of everybody.
    private const int MaxName = 200;

    public static void MapLobby(this EventServer io)
    {
        var people = new ConcurrentDictionary<string, User>();

        io.OnConnection(socket => socket.EmitAsync("people", people.Values));

        io.On<User>("login", async (socket, user) =>
        {
            if (user.Name?.Length > MaxName || user.Userid?.GetRawText().Length > MaxName)
            {
                throw new EventException("invalid_data", $"'name' and 'userid' have at most {MaxName} characters.");
            }

            people[socket.Id] = user with { Name = Require(user.Name, "name") };
            await io.EmitAsync("login", user.Name);
            await io.EmitAsync("people", people.Values);
        });

        io.On<ChatMessage>("chat", (socket, message) =>
        {
            if (!people.TryGetValue(socket.Id, out User? from))
            {
                throw new EventException("unauthorized", "Log in before you chat.");
            }

            return socket.Broadcast.EmitAsync("chat", new Chat(from, Require(message.Msg, "msg")));
        });

        // What is only passed on need not be read: the JSON goes out as it came in.
        io.On("message", (_, data) => io.EmitAsync("response", data));
        io.On("messageAndAck", async (_, data) =>
        {
            await io.EmitAsync("response", data);
            return io.Serializer.Write(new { Ok = true });
        });
        io.On("broadcast", (socket, data) => socket.Broadcast.EmitAsync("response", data));

        io.On("forceDisconnect", socket => socket.DisconnectAsync());

        io.OnDisconnect(async (socket, _) =>
        {
            if (people.TryRemove(socket.Id, out User? user))
            {
                await io.EmitAsync("logout", user.Name);
                await io.EmitAsync("people", people.Values);
            }
        });
    }

    private static string Require(string? value, string name) =>
        string.IsNullOrWhiteSpace(value) ? throw new EventException("invalid_data", $"'{name}' is missing.", new() { ["path"] = $"$.{name}" }) : value;
}

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
        // Who is there is known on all nodes, if there are several.
        io.Root.UsePresence();
        io.OnConnection(async socket => await socket.EmitAsync("people", await io.FindPeopleAsync()));

        io.On<User>("login", async (socket, user) =>
        {
            if (user.Name?.Length > MaxName || user.Userid?.GetRawText().Length > MaxName)
            {
                throw new EventException("invalid_data", $"'name' and 'userid' have at most {MaxName} characters.");
            }

            // Under string keys they come along when the client comes back, also to another node.
            socket.Items["name"] = Require(user.Name, "name");
            socket.Items["userid"] = user.Userid;
            await socket.SetPresenceAsync(user);
            await io.EmitAsync("login", user.Name);
            await io.EmitAsync("people", await io.FindPeopleAsync());
        });

        io.On<ChatMessage>("chat", (socket, message) =>
        {
            User from = FindUser(socket) ?? throw new EventException("unauthorized", "Log in before you chat.");
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
            if (FindUser(socket) is { } user)
            {
                await io.EmitAsync("logout", user.Name);
                await io.EmitAsync("people", await io.FindPeopleAsync());
            }
        });
    }

    private static User? FindUser(EventSocket socket) => socket.Items.TryGetValue("name", out object? name)
        ? new User((string)name!, socket.Items.TryGetValue("userid", out object? id) ? (JsonElement?)id : null)
        : null;

    private static async Task<IEnumerable<User>> FindPeopleAsync(this EventServer io) =>
        (await io.PresenceAsync()).Where(entry => entry.Metadata is not null).Select(entry => entry.Get<User>()!).ToList();

    private static string Require(string? value, string name) =>
        string.IsNullOrWhiteSpace(value) ? throw new EventException("invalid_data", $"'{name}' is missing.", new() { ["path"] = $"$.{name}" }) : value;
}

using System.Globalization;
using WsServer.LoadTest.Client;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Rooms of ten connections.</summary>
internal static class SmallRooms
{
    public const int Members = 10;

    /// <summary>Puts connections into rooms and returns the members of each.</summary>
    public static IReadOnlyList<Connection[]> Join(LoadClient client, int connections)
    {
        Connection[] all = [.. client.Connections.Take(connections)];
        Joining.Join(client, all, c => NameOf(c.Index / Members));
        return [.. all.Chunk(Members)];
    }

    /// <summary>A member's message to its room.</summary>
    public static OutgoingMessage MessageTo(int room, LoadClient client, string json) =>
        new(client.Dialect.Event("toRoom", $$"""{"room":"{{NameOf(room)}}","msg":{{json}}}"""));

    private static string NameOf(int room) => string.Create(CultureInfo.InvariantCulture, $"room-{room}");
}

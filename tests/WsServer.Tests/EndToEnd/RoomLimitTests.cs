using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>How many rooms a socket may be in, and how long their names may be.</summary>
public class RoomLimitTests
{
    [Fact]
    public async Task A_socket_joins_as_many_rooms_as_it_may_and_not_one_more()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host, "/?recover=1");
        for (int i = 0; i < 3; i++)
        {
            (await client.AskAsync("join", $"\"room {i}\"")).TryGetProperty("error", out _).Should().BeFalse();
        }

        JsonElement error = (await client.AskAsync("join", "\"one more\"")).GetProperty("error");
        JsonElement again = await client.AskAsync("join", "\"room 1\"");

        error.GetProperty("code").GetString().Should().Be("too_many_rooms");
        error.GetProperty("limit").GetInt32().Should().Be(3);
        again.TryGetProperty("error", out _).Should().BeFalse("it is in that room");
        EventSocket socket = host.Io.Root.FindSocket(client.Sid)!;
        socket.Rooms.Should().Equal(client.Sid, "room 0", "room 1", "room 2");
        host.Io.Root.Rooms.Select(r => r.Key).Should().BeEquivalentTo("room 0", "room 1", "room 2");
        socket.Recovery!.JoinedAt.Keys.Should().BeEquivalentTo("room 0", "room 1", "room 2");
        await socket.LeaveAsync("room 0");
        (await client.AskAsync("join", "\"one more\"")).TryGetProperty("error", out _).Should().BeFalse();
        socket.Rooms.Should().HaveCount(4);
    }

    [Fact]
    public async Task Who_is_put_into_rooms_with_others_stays_out_of_those_that_are_too_many()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient full = await EventClient.ConnectAsync(host);
        await using EventClient free = await EventClient.ConnectAsync(host);
        await host.Io.Root.FindSocket(full.Sid)!.JoinAsync("a", "b", "c");

        await host.Io.SocketsJoinAsync("all");

        (await host.Io.To("all").FetchSocketsAsync()).Should().ContainSingle().Which.Id.Should().Be(free.Sid);
        host.Log.Entries.Should().ContainSingle(e => e.Message.Contains("MaxRoomsPerSocket")).Which.Message.Should().Contain(full.Sid);
    }

    [Fact]
    public async Task A_name_may_be_as_long_as_the_limit_and_no_longer()
    {
        await using EventServerHost host = await StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        (await client.AskAsync("join", $"\"{new string('é', 10)}\"")).TryGetProperty("error", out _).Should().BeFalse();
        JsonElement error = (await client.AskAsync("join", $"\"{new string('é', 11)}\"")).GetProperty("error");

        error.GetProperty("code").GetString().Should().Be("room_name_too_long");
        (error.GetProperty("limit").GetInt32(), error.GetProperty("actual").GetInt32()).Should().Be((10, 11));
        await host.Io.Awaiting(io => io.SocketsJoinAsync("short", new string('x', 11))).Should().ThrowAsync<EventException>();
        host.Io.Root.FindSocket(client.Sid)!.Rooms.Should().HaveCount(2);
    }

    private static Task<EventServerHost> StartAsync() => EventServerHost.StartAsync(
        io => io.On<string>("join", (socket, room) => socket.JoinAsync(room)),
        o => (o.MaxRoomsPerSocket, o.MaxRoomNameLength) = (3, 10));
}

using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>A room named in whatever way is the same room.</summary>
public class RoomAudienceTests
{
    [Fact]
    public async Task A_room_that_was_deleted_and_made_again_has_the_audience_that_it_has_now()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        EventServer io = host.Io;
        await using EventClient a = await EventClient.ConnectAsync(host);
        await using EventClient b = await EventClient.ConnectAsync(host);
        EventSocket socketA = io.Root.FindSocket(a.Sid)!, socketB = io.Root.FindSocket(b.Sid)!;
        int deleted = 0;
        io.Root.OnRoomDeleted(_ => deleted++);
        Broadcast beforeAnybody = io.To("red");
        await socketA.JoinAsync("red");
        Broadcast whileA = io.To("red");
        io.To("red".AsSpan()).Should().BeSameAs(whileA, "for a room that is there nothing is made");
        await EmitAsync(1);

        await socketA.LeaveAsync("red");
        deleted.Should().Be(1);
        await EmitAsync(2);

        await socketB.JoinAsync("red");
        await EmitAsync(3);
        await socketA.JoinAsync("red");
        await EmitAsync(4);
        await socketB.LeaveAsync("red");
        await EmitAsync(5);

        (await SeenAsync(a)).Should().Equal(Fivefold(1, 4, 5));
        (await SeenAsync(b)).Should().Equal(Fivefold(3, 4));
        (await io.To("red").CountAsync()).Should().Be(1);
        (await whileA.FetchSocketsAsync()).Single().Id.Should().Be(a.Sid);

        async Task EmitAsync(int n)
        {
            foreach (Broadcast red in new[] { io.To("red"), io.To(["red"]), io.To("xredx".AsSpan(1, 3)), beforeAnybody, whileA })
            {
                await red.EmitAsync("e", n);
            }
        }

        static IEnumerable<int> Fivefold(params int[] all) => all.SelectMany(n => Enumerable.Repeat(n, 5));
    }

    [Fact]
    public async Task A_sockets_own_id_is_a_room_also_when_others_join_a_room_of_that_name()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        EventServer io = host.Io;
        await using EventClient a = await EventClient.ConnectAsync(host);
        await using EventClient b = await EventClient.ConnectAsync(host);
        EventSocket socketB = io.Root.FindSocket(b.Sid)!;

        await EmitAsync(1);
        await socketB.JoinAsync(a.Sid);
        await EmitAsync(2);
        (await io.To(a.Sid).CountAsync()).Should().Be(2);
        await socketB.LeaveAsync(a.Sid);
        await EmitAsync(3);

        (await SeenAsync(a)).Should().Equal(1, 1, 1, 2, 2, 2, 3, 3, 3);
        (await SeenAsync(b)).Should().Equal(2, 2, 2);

        async Task EmitAsync(int n)
        {
            await io.To(a.Sid).EmitAsync("e", n);
            await io.To([a.Sid]).EmitAsync("e", n);
            await io.To(a.Sid.AsSpan()).EmitAsync("e", n);
        }
    }

    [Fact]
    public async Task Rooms_of_the_same_name_in_two_namespaces_are_two()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.Of("/other"));
        EventServer io = host.Io;
        await using EventClient a = await EventClient.ConnectAsync(host);
        await using EventClient b = await EventClient.ConnectAsync(host, "/other");
        await io.Root.FindSocket(a.Sid)!.JoinAsync("red");
        await io.Of("/other").FindSocket(b.Sid)!.JoinAsync("red");
        await io.To("red").EmitAsync("e", 1);
        await io.Of("/other").To("red").EmitAsync("e", 2);
        (await SeenAsync(a)).Should().Equal(1);
        (await SeenAsync(b)).Should().Equal(2);
    }

    [Fact]
    public async Task What_is_made_of_a_rooms_broadcast_leaves_it_as_it_was()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        EventServer io = host.Io;
        await using EventClient a = await EventClient.ConnectAsync(host);
        await using EventClient b = await EventClient.ConnectAsync(host);
        await io.Root.FindSocket(a.Sid)!.JoinAsync("red");
        await io.Root.FindSocket(b.Sid)!.JoinAsync("red", "blue");
        await io.To("red").Except("blue").EmitAsync("e", 1);
        await io.To("red").Volatile.EmitAsync("e", 2);
        await io.To("red").To("blue").EmitAsync("e", 3);
        await io.To("red").EmitAsync("e", 4);
        (await SeenAsync(a)).Should().Equal(1, 2, 3, 4);
        (await SeenAsync(b)).Should().Equal(2, 3, 4);
    }

    [Fact]
    public async Task No_name_is_no_room()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        host.Io.Invoking(io => io.To("")).Should().Throw<ArgumentException>();
        host.Io.Invoking(io => io.To((string)null!)).Should().Throw<ArgumentException>();
        host.Io.Invoking(io => io.To(ReadOnlySpan<char>.Empty)).Should().Throw<ArgumentException>();
    }

    private static async Task<IEnumerable<int>> SeenAsync(EventClient client)
    {
        List<JsonElement> events = await client.EventsSoFarAsync("e");
        return events.Select(e => e.GetProperty("data").GetInt32());
    }
}

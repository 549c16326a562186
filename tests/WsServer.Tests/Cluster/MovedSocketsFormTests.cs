using System.Text.Json;
using FluentAssertions;
using WsServer.Cluster;
using WsServer.Recovery;
using Xunit;

namespace WsServer.Tests.Cluster;

/// <summary>Sockets as they go from node to node.</summary>
public sealed class MovedSocketsFormTests
{
    private static readonly Heard Heard = new(new Dictionary<string, long> { ["AAAAAAAA"] = 7, ["BBBBBBBB"] = long.MaxValue });

    [Fact]
    public void All_of_them_is_read_as_it_was_written()
    {
        MovedSockets moved = Moved();
        var reader = new WireReader(Write(moved));

        MovedSockets read = MovedSocketsForm.Read(ref reader);

        reader.IsAtEnd.Should().BeTrue();
        read.Should().BeEquivalentTo(moved, o => o.ComparingByMembers<LoggedEvent>().ComparingByMembers<SocketSnapshot>().ComparingByMembers<MovedSockets>()
            .Using<JsonElement>(c => c.Subject.GetRawText().Should().Be(c.Expectation.GetRawText())).WhenTypeIs<JsonElement>());
        (read.Sockets[0].Socket.User, read.Sockets[0].Socket.Presence).Should().Be(((byte[]?)null, (byte[]?)null));
    }

    [Fact]
    public void A_part_of_it_is_not_taken_for_the_whole()
    {
        byte[] whole = Write(Moved());
        for (int length = 0; length < whole.Length; length++)
        {
            var reader = new WireReader(whole.AsMemory(0, length));
            FluentActions.Invoking(() => MovedSocketsForm.Read(ref reader)).Should().Throw<InvalidDataException>($"{length} of {whole.Length} bytes are there");
        }
    }

    private static byte[] Write(MovedSockets moved)
    {
        using var buffer = new WireBuffer();
        MovedSocketsForm.Write(buffer, moved);
        return buffer.Memory.ToArray();
    }

    private static MovedSockets Moved()
    {
        var e = new LoggedEvent(9, TimeSpan.FromSeconds(3), "said", "[1]"u8.ToArray(), 1, [[1, 2]], ["ours"], ["mute"], Sid: null) { Origin = new Origin("AAAAAAAA", 5) };
        LoggedEvent alone = e with { Seq = 12, Attachments = [], Rooms = [], Except = [], Sid = "me", Origin = default };
        var socket = new SocketSnapshot("secret", "me", "ann", new Dictionary<string, long> { ["me"] = 0, ["ours"] = 3 }, 1, 9, 10, TimeSpan.FromSeconds(1), KeptItems.Save(Items()), User: null);
        return new MovedSockets(
            Heard,
            [new MovedLog(1, 12, [e, alone]), new MovedLog(3, 3, [])],
            [new MovedSocket(socket, [new MovedStretch(0, 0, 12, null, 0), new MovedStretch(1, 12, 20, Heard, 15)])]);
    }

    private static System.Collections.Concurrent.ConcurrentDictionary<object, object?> Items() => new() { ["name"] = "Ann" };
}

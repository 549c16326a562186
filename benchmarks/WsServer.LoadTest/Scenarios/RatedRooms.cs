using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Rooms of ten, in each of which one member talks, at a fixed rate.</summary>
internal sealed class RatedRooms(int connections, int rate) : RatedScenario("rate-rooms", connections, rate)
{
    public override string Description => string.Create(
        CultureInfo.InvariantCulture,
        $"{Connections} connections in rooms of {SmallRooms.Members}, one member talks in each room in turn, {Rate} times a second in all whatever the server does; a message is one delivery");

    protected override string Kind => "rate-rooms";

    protected override Load Prepare(Session session)
    {
        IReadOnlyList<Connection[]> rooms = SmallRooms.Join(session.Client, Connections);
        string json = Payload.Json(Payload.DefaultLength);
        var expected = new ExpectedMessage(session.Kind.Dialect.Received("toRoom", json));
        Lane[] lanes = [.. rooms.Select((members, i) => new Lane(SmallRooms.MessageTo(i, session.Client, json), members[0], members))];
        return new RatedLoad(session, Rate, lanes, expected);
    }
}

using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Rooms of ten, in each of which one member talks, at a fixed rate.</summary>
/// <param name="connections">How many connections there are.</param>
/// <param name="rate">How many messages are sent in a second.</param>
/// <param name="spread">How the members are spread over nodes.</param>
internal sealed class RatedRooms(int connections, int rate, Spread spread = Spread.OneNode)
    : RatedScenario(spread.NameOf("rate-rooms"), spread.GroupOf("rate"), connections, rate)
{
    public override string Description => string.Create(
        CultureInfo.InvariantCulture,
        $"{Connections} connections in rooms of {SmallRooms.Members}, one member talks in each room in turn, {Rate} times a second in all{spread.Describe()} whatever the server does; a message is one delivery");

    protected override string Kind => "rate-rooms";

    protected override void Place(LoadClient client) => client.NodeOf = spread.NodeOf(client.Nodes);

    protected override Load Prepare(Session session)
    {
        IReadOnlyList<Connection[]> rooms = SmallRooms.Join(session.Client, Connections);
        string json = Payload.Json(Payload.DefaultLength);
        var expected = new ExpectedMessage(session.Kind.Dialect.Received("toRoom", json));
        Lane[] lanes = [.. rooms.Select((members, i) => new Lane(SmallRooms.MessageTo(i, session.Client, json), members[0], members))];
        return new RatedLoad(session, Rate, lanes, expected);
    }
}

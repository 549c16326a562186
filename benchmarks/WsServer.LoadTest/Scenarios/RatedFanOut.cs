using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>One connection broadcasts to all, at a fixed rate.</summary>
/// <param name="connections">How many connections there are.</param>
/// <param name="rate">How many broadcasts there are in a second.</param>
/// <param name="spread">How the connections are spread over nodes.</param>
internal sealed class RatedFanOut(int connections, int rate, Spread spread = Spread.OneNode)
    : RatedScenario(
        spread.NameOf(string.Create(CultureInfo.InvariantCulture, $"rate-fanout-{connections}")), spread.GroupOf("rate"), connections, rate)
{
    public override string Description => string.Create(
        CultureInfo.InvariantCulture,
        $"one of {Connections} connections broadcasts to all, {Rate} times a second whatever the server does; a message is one delivery");

    protected override string Kind => "rate-fanout";

    protected override void Place(LoadClient client) => client.NodeOf = spread.NodeOf(client.Nodes);

    protected override Load Prepare(Session session)
    {
        Connection[] receivers = [.. session.Client.Connections.Take(Connections)];
        string json = Payload.Json(Payload.DefaultLength);
        var outgoing = new OutgoingMessage(session.Kind.Dialect.Event("broadcast", json));
        var expected = new ExpectedMessage(session.Kind.Dialect.Received("broadcast", json));
        return new RatedLoad(session, Rate, [new Lane(outgoing, receivers[^1], receivers)], expected);
    }
}

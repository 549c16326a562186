using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>One connection broadcasts to all, at a fixed rate.</summary>
internal sealed class RatedFanOut(int connections, int rate)
    : RatedScenario(string.Create(CultureInfo.InvariantCulture, $"rate-fanout-{connections}"), connections, rate)
{
    public override string Description => string.Create(
        CultureInfo.InvariantCulture,
        $"one of {Connections} connections broadcasts to all, {Rate} times a second whatever the server does; a message is one delivery");

    protected override string Kind => "rate-fanout";

    protected override Load Prepare(Session session)
    {
        Connection[] receivers = [.. session.Client.Connections.Take(Connections)];
        string json = Payload.Json(Payload.DefaultLength);
        var outgoing = new OutgoingMessage(session.Kind.Dialect.Event("broadcast", json));
        var expected = new ExpectedMessage(session.Kind.Dialect.Received("broadcast", json));
        return new RatedLoad(session, Rate, [new Lane(outgoing, receivers[^1], receivers)], expected);
    }
}

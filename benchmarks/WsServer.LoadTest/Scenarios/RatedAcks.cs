using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Events that want an ack, at a fixed rate; a connection may have several under way.</summary>
internal sealed class RatedAcks(int connections, int rate)
    : RatedScenario(string.Create(CultureInfo.InvariantCulture, $"rate-ack-{connections}"), "rate", connections, rate)
{
    public override string Description => string.Create(
        CultureInfo.InvariantCulture,
        $"{Connections} connections in turn send an echo, {Rate} in a second whatever the server does; a message is one ack");

    protected override string Kind => "rate-ack";

    protected override Load Prepare(Session session)
    {
        string json = Payload.Json(Payload.DefaultLength);
        var outgoing = new OutgoingMessage(session.Kind.Dialect.EventWithAck("echo", json));
        var expected = new ExpectedMessage(session.Kind.Dialect.Ack(json));
        Lane[] lanes = [.. session.Client.Connections.Take(Connections).Select(c => new Lane(outgoing, c, [c]))];
        return new RatedLoad(session, Rate, lanes, expected);
    }
}

using WsServer.LoadTest.Client;

namespace WsServer.LoadTest.Dialects;

/// <summary>The envelopes of docs/protocol.md.</summary>
internal sealed class EnvelopeDialect : Dialect
{
    public override string Path => "/";

    public override string Event(string name, string json) => $$"""{"event":"{{name}}","data":{{json}}}""";

    public override string EventWithAck(string name, string json) => $$"""{"event":"{{name}}","data":{{json}},"id":{{Payload.IdMark}}}""";

    public override string Received(string name, string json) => Event(name, json);

    public override string Ack(string json) => $$"""{"ack":{{Payload.IdMark}},"data":{{json}}}""";

    public override bool IsAck(ReadOnlySpan<byte> message) => message.StartsWith("{\"ack\":"u8) && message.IndexOf("\"error\":"u8) < 0;

    public override bool TryAnswer(LoadClient client, Connection connection, ReadOnlySpan<byte> message) => false;

    protected override bool TakeGreeting(LoadClient client, Connection connection, ReadOnlySpan<byte> message)
    {
        if (message.StartsWith("{\"connected\":"u8))
        {
            return true;
        }

        client.TakeOther(connection, message, "connected");
        return false;
    }
}

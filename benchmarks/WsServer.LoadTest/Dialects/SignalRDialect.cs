using System.Text;
using WsServer.LoadTest.Client;

namespace WsServer.LoadTest.Dialects;

/// <summary>SignalR's JSON protocol, version 1: records that end with U+001E; several may share a message.</summary>
internal sealed class SignalRDialect : Dialect
{
    private const byte Separator = 0x1e;

    private static readonly byte[] Handshake = Frame.Write(FrameKind.Text, "{\"protocol\":\"json\",\"version\":1}\u001e"u8);
    private static readonly byte[] Ping = Frame.Write(FrameKind.Text, "{\"type\":6}\u001e"u8);

    public override string Path => "/hub";

    public override string Event(string name, string json) => $$"""{"type":1,"target":"{{name}}","arguments":[{{json}}]}""" + "\u001e";

    public override string EventWithAck(string name, string json) =>
        $$"""{"type":1,"invocationId":"{{Payload.IdMark}}","target":"{{name}}","arguments":[{{json}}]}""" + "\u001e";

    // What is received has lost its separator when it is compared.
    public override string Received(string name, string json) => Event(name, json).TrimEnd('\u001e');

    public override string Ack(string json) => $$"""{"type":3,"invocationId":"{{Payload.IdMark}}","result":{{json}}}""";

    public override bool IsAck(ReadOnlySpan<byte> message) => message.StartsWith("{\"type\":3,"u8) && message.IndexOf("\"error\":"u8) < 0;

    public override void Greet(LoadClient client, Connection connection) => client.Send(connection, Handshake);

    public override void Receive(LoadClient client, Connection connection, ReadOnlySpan<byte> text, long now)
    {
        while (text.Length > 0)
        {
            int end = text.IndexOf(Separator);
            if (end < 0)
            {
                throw new LoadException($"A record without an end: {Encoding.UTF8.GetString(text)}");
            }

            Deliver(client, connection, text[..end], now);
            text = text[(end + 1)..];
        }
    }

    public override bool TryAnswer(LoadClient client, Connection connection, ReadOnlySpan<byte> message)
    {
        if (!message.SequenceEqual("{\"type\":6}"u8))
        {
            return false;
        }

        client.Send(connection, Ping);
        return true;
    }

    protected override bool TakeGreeting(LoadClient client, Connection connection, ReadOnlySpan<byte> message)
    {
        if (message.SequenceEqual("{}"u8))
        {
            return true;
        }

        client.TakeOther(connection, message, "{}");
        return false;
    }
}

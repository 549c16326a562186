using WsServer.LoadTest.Client;

namespace WsServer.LoadTest.Dialects;

/// <summary>Socket.IO's protocol, version 5, in Engine.IO's, version 4, over WebSocket alone.</summary>
internal sealed class SocketIoDialect : Dialect
{
    private static readonly byte[] Connect = Frame.Write(FrameKind.Text, "40"u8);
    private static readonly byte[] Pong = Frame.Write(FrameKind.Text, "3"u8);

    public override string Path => "/socket.io/?EIO=4&transport=websocket";

    public override string Event(string name, string json) => $"""42["{name}",{json}]""";

    public override string EventWithAck(string name, string json) => $"""42{Payload.IdMark}["{name}",{json}]""";

    public override string Received(string name, string json) => Event(name, json);

    public override string Ack(string json) => $"43{Payload.IdMark}[{json}]";

    public override bool IsAck(ReadOnlySpan<byte> message) => message.StartsWith("43"u8);

    public override bool TryAnswer(LoadClient client, Connection connection, ReadOnlySpan<byte> message)
    {
        if (!message.SequenceEqual("2"u8))
        {
            return false;
        }

        client.Send(connection, Pong);
        return true;
    }

    protected override bool TakeGreeting(LoadClient client, Connection connection, ReadOnlySpan<byte> message)
    {
        // Engine.IO's own greeting comes first; then the namespace is asked for.
        if (message.StartsWith("0{"u8))
        {
            client.Send(connection, Connect);
            return false;
        }

        if (message.StartsWith("40{"u8))
        {
            return true;
        }

        client.TakeOther(connection, message, "40");
        return false;
    }
}

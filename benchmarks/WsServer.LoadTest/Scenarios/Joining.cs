using System.Text;
using WsServer.LoadTest.Client;

namespace WsServer.LoadTest.Scenarios;

/// <summary>Puts connections into rooms.</summary>
internal static class Joining
{
    /// <summary>Asks for all at once and returns when all are answered.</summary>
    public static void Join(LoadClient client, IReadOnlyList<Connection> connections, Func<Connection, string> room)
    {
        var acks = new AckCounter(client);
        client.Receiver = acks;
        foreach (Connection connection in connections)
        {
            client.Send(connection, WriteFrame(client, room(connection)));
        }

        Loop.Until(client, () => acks.Count == connections.Count, () => acks.Count, "connections have joined");
    }

    /// <summary>The frame that asks to join a room.</summary>
    public static byte[] WriteFrame(LoadClient client, string room) =>
        Frame.Write(FrameKind.Text, Encoding.UTF8.GetBytes(client.Dialect.EventWithAck("join", $"\"{room}\"")));

    private sealed class AckCounter(LoadClient client) : Receiver
    {
        public int Count { get; private set; }

        public override void Received(Connection connection, ReadOnlySpan<byte> message, long now)
        {
            if (client.Dialect.IsAck(message))
            {
                Count++;
            }
            else
            {
                client.TakeOther(connection, message, "an ack");
            }
        }
    }
}

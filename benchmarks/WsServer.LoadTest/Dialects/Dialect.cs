using WsServer.LoadTest.Client;

namespace WsServer.LoadTest.Dialects;

/// <summary>How a server wants to be spoken to. Texts contain the marks of <see cref="Payload"/>.</summary>
internal abstract class Dialect
{
    /// <summary>The path and query of the upgrade request.</summary>
    public abstract string Path { get; }

    /// <summary>An event from the client, that asks for no answer.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="json">Its one argument.</param>
    public abstract string Event(string name, string json);

    /// <summary>An event from the client that wants an ack.</summary>
    public abstract string EventWithAck(string name, string json);

    /// <summary>An event as the server sends it.</summary>
    public abstract string Received(string name, string json);

    /// <summary>The ack to <see cref="EventWithAck"/>, with one value.</summary>
    public abstract string Ack(string json);

    /// <summary>Whether a message is an ack of any value, and no error.</summary>
    public abstract bool IsAck(ReadOnlySpan<byte> message);

    /// <summary>The upgrade is done: sends what the server waits for, if it does.</summary>
    public virtual void Greet(LoadClient client, Connection connection)
    {
    }

    /// <summary>Takes one WebSocket message apart.</summary>
    public virtual void Receive(LoadClient client, Connection connection, ReadOnlySpan<byte> text, long now) =>
        Deliver(client, connection, text, now);

    /// <summary>Answers a sign of life of the program's, if the message is one.</summary>
    public abstract bool TryAnswer(LoadClient client, Connection connection, ReadOnlySpan<byte> message);

    /// <summary>Takes a message while the connection is not ready. True if it is now.</summary>
    protected abstract bool TakeGreeting(LoadClient client, Connection connection, ReadOnlySpan<byte> message);

    /// <summary>Hands on one message.</summary>
    protected void Deliver(LoadClient client, Connection connection, ReadOnlySpan<byte> message, long now)
    {
        if (connection.State == ConnectionState.Ready)
        {
            client.Receiver.Received(connection, message, now);
        }
        else if (connection.State == ConnectionState.Greeting && TakeGreeting(client, connection, message))
        {
            connection.State = ConnectionState.Ready;
            client.Receiver.Opened(connection);
        }
    }
}

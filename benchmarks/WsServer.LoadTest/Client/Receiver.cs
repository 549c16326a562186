namespace WsServer.LoadTest.Client;

/// <summary>What a phase of the test does with what the connections receive.</summary>
internal abstract class Receiver
{
    /// <summary>The connection may send and will receive.</summary>
    public virtual void Opened(Connection connection)
    {
    }

    /// <summary>A message of the server's: one envelope, one SignalR record or one Engine.IO packet.</summary>
    /// <param name="connection">Whose it is.</param>
    /// <param name="message">Its bytes, valid until the return.</param>
    /// <param name="now">When it was read from the socket (<see cref="System.Diagnostics.Stopwatch.GetTimestamp"/>).</param>
    public abstract void Received(Connection connection, ReadOnlySpan<byte> message, long now);

    /// <summary>The connection is gone.</summary>
    public virtual void Closed(Connection connection, string reason) =>
        throw new LoadException($"Connection {connection.Index} is gone: {reason}");
}

/// <summary>For the times when a server has nothing to send but signs of life.</summary>
internal sealed class Silence(LoadClient client) : Receiver
{
    private static readonly TimeSpan Time = TimeSpan.FromMilliseconds(50);

    /// <summary>Listens for a while whether something comes that was not to come, such as a message for the second time.</summary>
    public static void Listen(LoadClient client)
    {
        client.Receiver = new Silence(client);
        Loop.For(client, Time);
    }

    public override void Received(Connection connection, ReadOnlySpan<byte> message, long now) =>
        client.TakeOther(connection, message, "nothing");
}

namespace WsServer.Backplane;

/// <summary>
/// Carries messages between the nodes of one server: an engine that publishes to channels, such as a message broker. What
/// the messages say is none of its business. All a node needs to share its rooms with others; registered as a service it
/// makes the server one of several nodes.
/// </summary>
/// <remarks>
/// <para>
/// <b>Order.</b> What one node publishes arrives at each other node in the order in which it was published, over all
/// channels together, also around a reconnect. A message may arrive twice after a reconnect; then everything from it on
/// does. The node sorts that out. What a node publishes after another's message has arrived at it arrives nowhere before
/// that message; clients that move from node to node rely on it.
/// </para>
/// <para>
/// <b>Failure.</b> An engine that cannot be reached is no error of the program: the backplane connects again, with growing
/// pauses, for as long as it takes, subscribes to what the node is subscribed to, and says so through
/// <see cref="IBackplaneReceiver"/>.
/// </para>
/// <para><b>Threads.</b> <see cref="PublishAsync"/> is called for one message after the other, without waiting for the one before.
/// <see cref="SubscribeAsync"/> may be called by any thread. The receiver is called by one thread at a time.</para>
/// </remarks>
public interface IBackplane : IAsyncDisposable
{
    /// <summary>Begins to connect, and returns at once: the receiver is told when it has. Called once, before the others.</summary>
    /// <param name="node">This node's id, which no other has: 8 characters of base64url.</param>
    /// <param name="receiver">Is given what arrives.</param>
    void Start(string node, IBackplaneReceiver receiver);

    /// <summary>Publishes a message. A node that is subscribed to several of the channels gets it once; this one may get it or not.</summary>
    /// <param name="message">The message, unchanged until the task has ended.</param>
    /// <param name="channels">Where to: one or more names of up to 64 letters, digits, <c>.</c>, <c>-</c> and <c>_</c>.</param>
    /// <returns>
    /// Ends when the engine has it. Fails when that is not known, as there is no connection or it was lost: then the
    /// messages before it that have not failed have arrived, and the node publishes this one and those behind it again
    /// after <see cref="IBackplaneReceiver.Connected"/>.
    /// </returns>
    ValueTask PublishAsync(ReadOnlyMemory<byte> message, IReadOnlyList<string> channels);

    /// <summary>Subscribes to a channel, or ends that. Kept over reconnects.</summary>
    /// <param name="channel">The channel's name.</param>
    /// <param name="isWanted">Whether its messages are wanted. The last call for a channel counts.</param>
    /// <returns>
    /// Ends when what is published from then on arrives here; while there is no connection, at once. Never fails.
    /// </returns>
    ValueTask SubscribeAsync(string channel, bool isWanted);
}

/// <summary>The node, as an <see cref="IBackplane"/> sees it. Calls never throw, and are made by one thread at a time.</summary>
public interface IBackplaneReceiver
{
    /// <summary>The backplane has a connection, and all that is subscribed to arrives.</summary>
    /// <param name="isResumed">Whether all that was published for this node meanwhile arrives as well; false the first time.</param>
    void Connected(bool isResumed);

    /// <summary>The connection is lost, or one more attempt to connect has failed.</summary>
    /// <param name="why">For people, without credentials.</param>
    void Disconnected(string why);

    /// <summary>A message has arrived. It is handled when this returns, and may be forgotten.</summary>
    /// <param name="message">The message, until this returns.</param>
    void Received(ReadOnlyMemory<byte> message);
}

namespace WsServer.Wire;

/// <summary>
/// Turns messages into packets and back. Pure: bytes in, packet out, no connection in sight. One instance serves any
/// number of connections and threads at once; packets are encoded once for each instance in use.
/// </summary>
public interface IPacketCodec
{
    /// <summary>Reads one message. Never throws for what a client sent.</summary>
    /// <param name="message">The message; a packet may have slices of it.</param>
    /// <param name="isBinary">Whether it came as binary.</param>
    /// <param name="packet">What it says.</param>
    /// <param name="answer">When it says nothing valid: the error to answer with.</param>
    bool TryDecode(ReadOnlyMemory<byte> message, bool isBinary, out Packet packet, out Packet answer);

    /// <summary>Writes one packet, which the caller then holds.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="home">The connection's own namespace, which some codecs leave out; empty when it has none.</param>
    /// <returns>The message, with those that belong to it behind it; null when the protocol says nothing here.</returns>
    EncodedPacket? Encode(in Packet packet, string home);

    /// <summary>
    /// Whether the protocol ends the connection of a client that has earned this answer, and does not send it. Asked
    /// for answers to what is no valid message, or comes at the wrong time; not for what handlers and middleware refuse.
    /// </summary>
    bool IsFatal(in Packet answer) => false;

    /// <summary>
    /// Whether the protocol tells clients their <see cref="Packet.Session"/> and the <see cref="Packet.Seq"/> of events, so
    /// that they can come back after the connection was cut. Their sockets are then kept for
    /// <see cref="EventServerOptions.RecoveryWindow"/>. The same for a codec and its <see cref="BinaryForm"/>.
    /// </summary>
    bool SupportsRecovery => false;

    /// <summary>The codec to go on with once the client has sent a binary message; itself, when that changes nothing.</summary>
    IPacketCodec BinaryForm { get; }
}

using WsServer.Connections;

namespace WsServer.SocketIO.Wire;

/// <summary>Makes whole packets of one connection's messages.</summary>
/// <param name="maxBytes">The most bytes that a packet may have.</param>
internal sealed class PacketAssembler(int maxBytes)
{
    /// <summary>Takes the next message; false when more must come before there is a whole packet.</summary>
    /// <exception cref="InvalidDataException">The messages do not make a packet.</exception>
    public bool TryAdd(TransportMessage message, out TransportMessage whole)
    {
        whole = message.Payload.Length <= maxBytes ? message : throw new InvalidDataException("A message is too long.");
        return true;
    }
}

using WsServer.Wire;

namespace WsServer.Backplane;

/// <summary>Carries packets to the members of an audience, on however many nodes they are.</summary>
internal interface IBackplane
{
    /// <summary>
    /// Publishes a packet. Packets of one caller arrive at each member in the order published. The packet's arguments
    /// may lie in a receive buffer, so they are read before this returns, whenever its task completes.
    /// </summary>
    Task PublishAsync(Audience audience, in Packet packet);
}

/// <summary>Gives a packet to the sockets of this node.</summary>
internal delegate void Delivery(Audience audience, in Packet packet);

/// <summary>The backplane of a single node: hands packets to the node's own sockets, at once.</summary>
/// <param name="deliver">Gives a packet to the sockets of this node.</param>
internal sealed class LocalBackplane(Delivery deliver) : IBackplane
{
    public Task PublishAsync(Audience audience, in Packet packet)
    {
        deliver(audience, packet);
        return Task.CompletedTask;
    }
}

using WsServer.Wire;

namespace WsServer.Backplane;

/// <summary>Carries packets to the members of an audience, on however many nodes they are.</summary>
internal interface IBackplane
{
    /// <summary>Publishes a packet. Packets of one caller arrive at each member in the order published.</summary>
    Task PublishAsync(Audience audience, Packet packet);
}

/// <summary>The backplane of a single node: hands packets to the node's own sockets, at once.</summary>
/// <param name="deliver">Gives a packet to the sockets of this node.</param>
internal sealed class LocalBackplane(Action<Audience, Packet> deliver) : IBackplane
{
    public Task PublishAsync(Audience audience, Packet packet)
    {
        deliver(audience, packet);
        return Task.CompletedTask;
    }
}

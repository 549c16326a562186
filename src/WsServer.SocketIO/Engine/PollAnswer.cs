using WsServer.Wire;

namespace WsServer.SocketIO.Engine;

/// <summary>What a GET is answered with.</summary>
/// <param name="Packets">The packets; they belong to the answer.</param>
/// <param name="Error">Why there are none.</param>
internal sealed record PollAnswer(IReadOnlyList<EncodedPacket> Packets, EngineError? Error = null)
{
    /// <summary>A single packet.</summary>
    public PollAnswer(EncodedPacket packet)
        : this([packet])
    {
    }

    /// <summary>A refusal.</summary>
    public PollAnswer(EngineError error)
        : this([], error)
    {
    }
}

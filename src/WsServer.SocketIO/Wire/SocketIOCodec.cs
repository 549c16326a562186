using WsServer.Wire;

namespace WsServer.SocketIO.Wire;

/// <summary>
/// Packets of Socket.IO 5 as messages of Engine.IO 4, each with its <c>4</c> in front. What arrives has gone through a
/// <see cref="PacketAssembler"/>; what is sent has its attachments behind it.
/// </summary>
/// <param name="names">The names that packets are expected to have.</param>
/// <param name="maxNameLength">The longest name of an event or a namespace, in UTF-16 code units.</param>
/// <param name="maxDepth">How deep the JSON may nest; the array of an event is the first level.</param>
/// <param name="supportsRecovery">Whether clients are told what they need to come back to what they had.</param>
internal sealed class SocketIOCodec(NameTable names, int maxNameLength, int maxDepth, bool supportsRecovery = false) : IPacketCodec
{
    private readonly PacketReader _reader = new(names, maxNameLength, maxDepth);

    public IPacketCodec BinaryForm => this;

    /// <summary>Whether events end with their place in what can be replayed, and the client learns its secret.</summary>
    public bool SupportsRecovery => supportsRecovery;

    public bool TryDecode(ReadOnlyMemory<byte> message, bool isBinary, out Packet packet, out Packet answer)
    {
        packet = default;
        ReadOnlyMemory<byte> text = message;
        ReadOnlyMemory<byte>[] attachments = [];
        EventError? error = isBinary && !AssembledPacket.TrySplit(message, out text, out attachments)
            ? PacketReader.Invalid("A binary message was not announced.")
            : _reader.Read(text, attachments, out packet);
        answer = error is null ? default : new Packet(PacketKind.Error) { Error = error };
        return error is null;
    }

    public EncodedPacket? Encode(in Packet packet, string home) => PacketWriter.Write(packet, supportsRecovery);

    public bool IsFatal(in Packet answer) => answer.Error?.Code switch
    {
        ErrorCodes.InvalidJson or ErrorCodes.InvalidEnvelope or ErrorCodes.TooLarge => true,
        ErrorCodes.AlreadyConnected or ErrorCodes.NotConnected => true,

        // There is no packet to tell a client that messages of it were dropped.
        ErrorCodes.RateLimited => true,

        // Who asks for a namespace that there is not is told so; who speaks in one is not.
        ErrorCodes.UnknownNamespace => answer.Kind != PacketKind.ConnectError,
        _ => false,
    };
}

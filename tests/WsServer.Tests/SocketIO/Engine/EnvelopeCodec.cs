using WsServer.Tests.Wire;
using WsServer.Wire;

namespace WsServer.Tests.SocketIO.Engine;

/// <summary>The JSON envelopes of the event protocol as messages of Engine.IO: what it takes to test the one without Socket.IO.</summary>
internal sealed class EnvelopeCodec : IPacketCodec
{
    public IPacketCodec BinaryForm => this;

    public bool TryDecode(ReadOnlyMemory<byte> message, bool isBinary, out Packet packet, out Packet answer) =>
        Codec.Json.TryDecode(message[1..], isBinary, out packet, out answer);

    public EncodedPacket? Encode(in Packet packet, string home) =>
        EncodedPacket.Create([(byte)'4', .. Codec.Json.Encode(packet, home).Payload.Span], isBinary: false);

    public bool IsFatal(in Packet answer) => true;
}

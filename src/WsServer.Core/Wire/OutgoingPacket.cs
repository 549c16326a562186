namespace WsServer.Wire;

/// <summary>
/// A packet on its way to any number of connections: encoded once for each codec, and once more where the namespace
/// is the connection's own and may be left out.
/// </summary>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class OutgoingPacket(Packet packet)
{
    private readonly Lock _gate = new();
    private volatile Form? _forms;

    public Packet Packet => packet;

    public EncodedPacket For(IPacketCodec codec, string home)
    {
        bool isHome = packet.Namespace == home;
        return Find(codec, isHome) ?? Encode(codec, home, isHome);
    }

    private EncodedPacket? Find(IPacketCodec codec, bool isHome)
    {
        for (Form? form = _forms; form is not null; form = form.Next)
        {
            if (form.IsHome == isHome && ReferenceEquals(form.Codec, codec))
            {
                return form.Encoded;
            }
        }

        return null;
    }

    private EncodedPacket Encode(IPacketCodec codec, string home, bool isHome)
    {
        lock (_gate)
        {
            if (Find(codec, isHome) is { } encoded)
            {
                return encoded;
            }

            encoded = codec.Encode(packet, home);
            _forms = new Form(codec, isHome, encoded, _forms);
            return encoded;
        }
    }

    private sealed record Form(IPacketCodec Codec, bool IsHome, EncodedPacket Encoded, Form? Next);
}

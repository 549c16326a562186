namespace WsServer.Wire;

/// <summary>
/// A packet on its way to any number of connections: encoded once for each codec, and once more where the namespace
/// is the connection's own and may be left out. Used by one thread, and given back by it when all have got theirs.
/// </summary>
internal sealed class OutgoingPacket : IDisposable
{
    [ThreadStatic]
    private static OutgoingPacket? _free;

    private readonly List<Form> _forms = new(2);
    private Packet _packet;
    private DropTerms? _terms;

    private OutgoingPacket()
    {
    }

    public ref readonly Packet Packet => ref _packet;

    /// <param name="packet">The packet.</param>
    /// <param name="terms">On which terms it may be lost for a client that lags; null when it may not.</param>
    public static OutgoingPacket Rent(in Packet packet, DropTerms? terms = null)
    {
        OutgoingPacket outgoing = _free ?? new OutgoingPacket();
        _free = null;
        outgoing._packet = packet;
        outgoing._terms = terms;
        return outgoing;
    }

    /// <summary>The packet's bytes for a connection; held by this object, so who keeps them holds them too. Null when the codec has no word for it.</summary>
    public EncodedPacket? For(IPacketCodec codec, string home)
    {
        bool isHome = ReferenceEquals(_packet.Namespace, home) || _packet.Namespace == home;
        foreach (Form form in _forms)
        {
            if (form.IsHome == isHome && ReferenceEquals(form.Codec, codec))
            {
                return form.Encoded;
            }
        }

        EncodedPacket? encoded = codec.Encode(_packet, home);
        if (_terms is not null && encoded is not null)
        {
            encoded.Terms = _terms;
        }

        _forms.Add(new Form(codec, isHome, encoded));
        return encoded;
    }

    public void Dispose()
    {
        foreach (Form form in _forms)
        {
            form.Encoded?.Release();
        }

        _forms.Clear();
        _packet = default;
        _terms = null;
        _free = this;
    }

    private readonly record struct Form(IPacketCodec Codec, bool IsHome, EncodedPacket? Encoded);
}

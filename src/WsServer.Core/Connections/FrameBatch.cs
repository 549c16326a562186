using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>
/// Several packets as the bytes of their frames in one piece. What one burst of broadcasts brings is the same for
/// every receiver, so the piece last made is kept, for each thread, and given again.
/// </summary>
internal static class FrameBatch
{
    private const int KeptBytes = 128 * 1024;

    [ThreadStatic]
    private static Piece? _last;

    /// <summary>The frames' bytes, valid until the next call on this thread.</summary>
    public static ReadOnlySpan<byte> Join(ReadOnlySpan<EncodedPacket> packets)
    {
        Piece last = _last ??= new Piece();
        return last.Holds(packets) ? last.Bytes : last.Fill(packets);
    }

    /// <summary>Forgets the piece: its packets may be used again for something else.</summary>
    public static void Forget() => _last?.Clear();

    private sealed class Piece
    {
        private readonly List<EncodedPacket> _packets = [];
        private byte[] _bytes = new byte[4 * 1024];
        private int _length;

        public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

        public bool Holds(ReadOnlySpan<EncodedPacket> packets)
        {
            if (_packets.Count != packets.Length)
            {
                return false;
            }

            for (int i = 0; i < packets.Length; i++)
            {
                if (!ReferenceEquals(packets[i], _packets[i]))
                {
                    return false;
                }
            }

            return true;
        }

        public ReadOnlySpan<byte> Fill(ReadOnlySpan<EncodedPacket> packets)
        {
            Clear();
            foreach (EncodedPacket packet in packets)
            {
                // Held, so that nobody fills it with something else while its bytes are kept here.
                packet.Hold();
                _packets.Add(packet);
                if (_bytes.Length - _length < packet.Length)
                {
                    Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + packet.Length));
                }

                packet.Frame.Span.CopyTo(_bytes.AsSpan(_length));
                _length += packet.Length;
            }

            return Bytes;
        }

        public void Clear()
        {
            foreach (EncodedPacket packet in _packets)
            {
                packet.Release();
            }

            _packets.Clear();
            _length = 0;
            if (_bytes.Length > KeptBytes)
            {
                _bytes = new byte[4 * 1024];
            }
        }
    }
}

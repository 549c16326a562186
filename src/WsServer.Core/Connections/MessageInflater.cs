using System.Buffers;
using System.IO.Compression;

namespace WsServer.Connections;

/// <summary>Takes a compressed message apart (RFC 7692, section 7.2.2), up to a limit and not a buffer further.</summary>
internal static class MessageInflater
{
    private const int FirstBufferBytes = 4 * 1024;
    private const int InvalidPayload = 1007;

    /// <summary>What a sender has left out, and is put behind the message again.</summary>
    public static ReadOnlySpan<byte> Tail => [0x00, 0x00, 0xff, 0xff];

    /// <summary>Inflates a message.</summary>
    /// <param name="compressed">A buffer that begins with the compressed message and its <see cref="Tail"/>.</param>
    /// <param name="length">The length of both.</param>
    /// <param name="maxBytes">How long the result may be.</param>
    /// <param name="inflated">A buffer of the shared pool with the result, which the caller gives back. Null when it would be too long.</param>
    /// <returns>The length of the result.</returns>
    /// <exception cref="FrameException">It is no compressed data.</exception>
    public static int Inflate(byte[] compressed, int length, int maxBytes, out byte[]? inflated)
    {
        // Made anew for each message: the framework's cannot be reset, and what one message leaves in its window is
        // not for the next, which may be another client's.
        using var inflate = new DeflateStream(new MemoryStream(compressed, 0, length, writable: false), CompressionMode.Decompress);
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(Math.Max(length * 4L, FirstBufferBytes), maxBytes + 1L));
        int count = 0;
        try
        {
            while (true)
            {
                // One byte more than is allowed, to see whether there is one.
                int room = (int)Math.Min(buffer.Length, maxBytes + 1L) - count;
                int read = inflate.Read(buffer, count, room);
                count += read;
                if (read == 0)
                {
                    inflated = buffer;
                    return count;
                }

                if (count > maxBytes)
                {
                    break;
                }

                if (count == buffer.Length)
                {
                    byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(buffer.Length * 2L, maxBytes + 1L));
                    buffer.CopyTo(larger, 0);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }
            }
        }
        catch (InvalidDataException)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw new FrameException(InvalidPayload, "A message is not validly compressed.");
        }

        ArrayPool<byte>.Shared.Return(buffer);
        inflated = null;
        return 0;
    }
}

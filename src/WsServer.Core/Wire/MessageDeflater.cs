using System.IO.Compression;

namespace WsServer.Wire;

/// <summary>
/// Compresses messages one by one (RFC 7692, section 7.2.1), without what was in those before: the result is the same
/// for every receiver.
/// </summary>
internal static class MessageDeflater
{
    private const int KeptBytes = 128 * 1024;

    // What a flush ends with, and a message leaves out.
    private const int TailBytes = 4;

    [ThreadStatic]
    private static MemoryStream? _scratch;

    /// <summary>The compressed message, valid until the next call on this thread.</summary>
    public static ReadOnlySpan<byte> Deflate(ReadOnlySpan<byte> message, CompressionLevel level)
    {
        MemoryStream output = _scratch ??= new MemoryStream();
        if (output.Capacity > KeptBytes)
        {
            _scratch = output = new MemoryStream();
        }

        output.SetLength(0);
        using var deflate = new DeflateStream(output, level, leaveOpen: true);
        deflate.Write(message);
        deflate.Flush();

        if (message.IsEmpty)
        {
            // A flush of nothing writes nothing. Section 7.2.3.6: a block without a byte in it, as short as can be.
            return [0x00];
        }

        // Disposing writes a final block behind it, which is no part of the message.
        int length = (int)output.Length - TailBytes;
        return output.GetBuffer().AsSpan(0, length);
    }
}

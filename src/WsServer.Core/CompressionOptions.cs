using System.IO.Compression;

namespace WsServer;

/// <summary>
/// Settings of message compression, the WebSocket extension <c>permessage-deflate</c> (RFC 7692). It is used with
/// clients that offer it, and off unless <see cref="EventServerOptions.Compression"/> is set.
/// </summary>
public sealed class CompressionOptions
{
    /// <summary>The shortest message to compress, in bytes. What is shorter gains too little. Default 1 KiB.</summary>
    public int MinimumBytes { get; set; } = 1024;

    /// <summary>How hard to try. Default <see cref="CompressionLevel.Fastest"/>, as whoever emits an event compresses it.</summary>
    public CompressionLevel Level { get; set; } = CompressionLevel.Fastest;
}

namespace WsServer.Connections;

/// <summary>Where the bytes of one connection leave. One write at a time.</summary>
internal interface IByteOutput
{
    /// <summary>Hands over as many bytes as can leave at once, without waiting.</summary>
    /// <returns>How many; the rest is for <see cref="WriteAsync"/>.</returns>
    /// <exception cref="IOException">The connection broke.</exception>
    int TryWrite(ReadOnlySpan<byte> bytes);

    /// <summary>Writes all bytes, and completes when they no longer need the server's memory.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);
}

/// <summary>A stream as output: what can leave at once cannot be told.</summary>
internal sealed class StreamOutput(Stream stream) : IByteOutput
{
    public int TryWrite(ReadOnlySpan<byte> bytes) => 0;

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => stream.WriteAsync(bytes, cancellationToken);
}

using System.Buffers;
using System.Text.Json;

namespace WsServer.Wire;

/// <summary>A JSON writer with its buffer, kept for each thread: rented for one packet, then given back.</summary>
internal sealed class JsonScratch : IDisposable
{
    private const int KeptBytes = 64 * 1024;

    [ThreadStatic]
    private static JsonScratch? _kept;

    private ArrayBufferWriter<byte> _buffer = new(512);
    private Utf8JsonWriter? _writer;

    /// <summary>The writer.</summary>
    public Utf8JsonWriter Writer => _writer ??= new Utf8JsonWriter(
        _buffer,
        new JsonWriterOptions { Encoder = WireEncoder.Instance, SkipValidation = true, MaxDepth = 1_000 });

    /// <summary>What was written and flushed.</summary>
    public ArrayBufferWriter<byte> Buffer => _buffer;

    // Taken out of its place while in use: a converter that itself emits gets another one.
    public static JsonScratch Rent()
    {
        JsonScratch scratch = _kept ?? new JsonScratch();
        _kept = null;
        return scratch;
    }

    public ReadOnlySpan<byte> Finish()
    {
        Writer.Flush();
        return _buffer.WrittenSpan;
    }

    public void Dispose()
    {
        if (_buffer.Capacity > KeptBytes)
        {
            _buffer = new ArrayBufferWriter<byte>(512);
            _writer = null;
        }

        _buffer.ResetWrittenCount();
        _writer?.Reset();
        _kept = this;
    }
}

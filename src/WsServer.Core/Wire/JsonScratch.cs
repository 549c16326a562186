using System.Buffers;
using System.Text.Json;

namespace WsServer.Wire;

/// <summary>A JSON writer with its buffer, kept for each thread: rented for one packet, then given back.</summary>
public sealed class JsonScratch : IDisposable
{
    private const int KeptBytes = 64 * 1024;

    [ThreadStatic]
    private static JsonScratch? _kept;

    private ArrayBufferWriter<byte> _buffer = new(512);
    private Utf8JsonWriter? _writer;

    private JsonScratch()
    {
    }

    /// <summary>The writer, which checks nothing and escapes only what JSON demands.</summary>
    public Utf8JsonWriter Writer => _writer ??= new Utf8JsonWriter(
        _buffer,
        new JsonWriterOptions { Encoder = WireEncoder.Instance, SkipValidation = true, MaxDepth = 1_000 });

    /// <summary>What was written and flushed. More may be written to it directly while the writer has nothing to flush.</summary>
    public ArrayBufferWriter<byte> Buffer => _buffer;

    /// <summary>The one of this thread; to be given back by the same.</summary>
    // Taken out of its place while in use: a converter that itself emits gets another one.
    public static JsonScratch Rent()
    {
        JsonScratch scratch = _kept ?? new JsonScratch();
        _kept = null;
        return scratch;
    }

    /// <summary>Flushes the writer and returns all that was written.</summary>
    public ReadOnlySpan<byte> Finish()
    {
        Writer.Flush();
        return _buffer.WrittenSpan;
    }

    /// <summary>Gives it back.</summary>
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

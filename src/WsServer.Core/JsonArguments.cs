using System.Text.Json;

namespace WsServer;

/// <summary>
/// The arguments of an event or an ack as they travel: UTF-8 JSON, not parsed. Emitting a received value relays it
/// without reading it. <see cref="EventSerializer"/> turns arguments into values and back.
/// </summary>
/// <remarks>Immutable. A handler that is given it may keep it for as long as it likes.</remarks>
public readonly struct JsonArguments
{
    private readonly ReadOnlyMemory<byte>[]? _attachments;

    internal JsonArguments(ReadOnlyMemory<byte> utf8, int count, ReadOnlyMemory<byte>[]? attachments = null)
    {
        Utf8 = utf8;
        Count = count;
        _attachments = attachments is { Length: > 0 } ? attachments : null;
    }

    /// <summary>How many arguments there are.</summary>
    public int Count { get; }

    /// <summary>
    /// The bytes: the bare JSON value of one argument, a JSON array of several, nothing for none.
    /// </summary>
    public ReadOnlyMemory<byte> Utf8 { get; }

    /// <summary>The binary attachments, for which <c>{"_placeholder":true,"num":i}</c> stands in the JSON.</summary>
    public ReadOnlySpan<ReadOnlyMemory<byte>> Attachments => _attachments;

    /// <summary>The JSON of one argument.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1.</param>
    public ReadOnlyMemory<byte> this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            if (Count == 1)
            {
                return Utf8;
            }

            Utf8JsonReader reader = OpenArray();
            for (int i = 0; ; i++)
            {
                reader.Read();
                int start = (int)reader.TokenStartIndex;
                reader.Skip();
                if (i == index)
                {
                    return Utf8[start..(int)reader.BytesConsumed];
                }
            }
        }
    }

    /// <summary>The JSON text, for logs and debuggers.</summary>
    public override string ToString() => System.Text.Encoding.UTF8.GetString(Utf8.Span);

    internal ReadOnlyMemory<byte>[]? AttachmentArray => _attachments;

    /// <summary>The elements of a JSON array as arguments. One is kept as its bare value, so that nothing behind the codec sees two forms of it.</summary>
    /// <param name="array">The array.</param>
    /// <param name="count">How many elements it has.</param>
    internal static JsonArguments OfArray(ReadOnlyMemory<byte> array, int count) => count switch
    {
        0 => default,
        1 => new JsonArguments(OnlyElement(array), 1),
        _ => new JsonArguments(array, count),
    };

    /// <summary>A reader in front of the first argument.</summary>
    internal Utf8JsonReader OpenArray()
    {
        var reader = new Utf8JsonReader(Utf8.Span, new JsonReaderOptions { MaxDepth = int.MaxValue });
        if (Count != 1)
        {
            reader.Read();
        }

        return reader;
    }

    /// <summary>A copy with memory of its own, for what arrived in a buffer that will be used again.</summary>
    internal JsonArguments Copy()
    {
        if (Count == 0)
        {
            return this;
        }

        ReadOnlyMemory<byte>[]? attachments = _attachments is null ? null : Array.ConvertAll(_attachments, a => (ReadOnlyMemory<byte>)a.ToArray());
        return new JsonArguments(Utf8.ToArray(), Count, attachments);
    }

    private static ReadOnlyMemory<byte> OnlyElement(ReadOnlyMemory<byte> array)
    {
        var reader = new Utf8JsonReader(array.Span, new JsonReaderOptions { MaxDepth = int.MaxValue });
        reader.Read();
        reader.Read();
        int start = (int)reader.TokenStartIndex;
        reader.Skip();
        return array[start..(int)reader.BytesConsumed];
    }
}

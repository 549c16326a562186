using System.Buffers.Binary;
using System.Text;
using WsServer.Wire;

namespace WsServer.Cluster;

/// <summary>Reads what a <see cref="WireBuffer"/> has written, where it lies. Anything else is an <see cref="InvalidDataException"/>.</summary>
internal struct WireReader(ReadOnlyMemory<byte> bytes, NameTable? names = null)
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private ReadOnlyMemory<byte> _rest = bytes;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    /// <summary>All that has not been read yet.</summary>
    public readonly ReadOnlyMemory<byte> Rest => _rest;

    public byte Byte() => Take(1).Span[0];

    public bool Bool() => Byte() switch
    {
        0 => false,
        1 => true,
        _ => throw Broken(),
    };

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)).Span);

    public int Number()
    {
        uint value = 0;
        for (int shift = 0; shift < 35; shift += 7)
        {
            byte next = Byte();
            value |= (uint)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value <= int.MaxValue && (shift < 28 || next < 8) ? (int)value : throw Broken();
            }
        }

        throw Broken();
    }

    public ReadOnlyMemory<byte> Bytes() => Take(Number());

    public ReadOnlyMemory<byte> Take(int length)
    {
        if (length > _rest.Length)
        {
            throw Broken();
        }

        ReadOnlyMemory<byte> taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }

    public string Text()
    {
        ReadOnlySpan<byte> text = Bytes().Span;
        try
        {
            return Utf8.GetString(text);
        }
        catch (DecoderFallbackException)
        {
            throw Broken();
        }
    }

    /// <summary>A text that is likely to be one of the program's names.</summary>
    public string Name()
    {
        ReadOnlySpan<byte> text = Bytes().Span;
        return !System.Text.Unicode.Utf8.IsValid(text) ? throw Broken() : names is null ? Encoding.UTF8.GetString(text) : names.Get(text);
    }

    public string[] Texts()
    {
        int count = Count();
        if (count == 0)
        {
            return [];
        }

        var texts = new string[count];
        for (int i = 0; i < count; i++)
        {
            texts[i] = Text();
        }

        return texts;
    }

    public string? Optional() => Bool() ? Text() : null;

    public JsonArguments Arguments()
    {
        int count = Number();
        ReadOnlyMemory<byte> utf8 = Bytes();
        int attachments = Count();
        ReadOnlyMemory<byte>[]? all = attachments == 0 ? null : new ReadOnlyMemory<byte>[attachments];
        for (int i = 0; i < attachments; i++)
        {
            all![i] = Bytes();
        }

        return JsonArguments.FromUtf8(utf8, count, all);
    }

    /// <summary>How many of something follow, each of a byte at least.</summary>
    public int Count()
    {
        int count = Number();
        return count <= _rest.Length ? count : throw Broken();
    }

    private static InvalidDataException Broken() => new("A message of another node cannot be read.");
}

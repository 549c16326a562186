using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace WsServer.Cluster;

/// <summary>Bytes being written, in a buffer of the pool: lengths as LEB128, text as UTF-8 behind its length.</summary>
internal sealed class WireBuffer : IDisposable
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(256);

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    public void Byte(byte value) => Take(1)[0] = value;

    public void Bool(bool value) => Byte(value ? (byte)1 : (byte)0);

    public void Int64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Take(sizeof(long)), value);

    public void Number(int value)
    {
        uint rest = (uint)value;
        while (rest >= 0x80)
        {
            Byte((byte)(rest | 0x80));
            rest >>= 7;
        }

        Byte((byte)rest);
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Number(value.Length);
        Raw(value);
    }

    public void Raw(ReadOnlySpan<byte> value) => value.CopyTo(Take(value.Length));

    public void Text(string value)
    {
        int length = Encoding.UTF8.GetByteCount(value);
        Number(length);
        Encoding.UTF8.GetBytes(value, Take(length));
    }

    public void Texts(IReadOnlyCollection<string> values)
    {
        Number(values.Count);
        foreach (string value in values)
        {
            Text(value);
        }
    }

    /// <summary>Nothing or a text.</summary>
    public void Optional(string? value)
    {
        Bool(value is not null);
        if (value is not null)
        {
            Text(value);
        }
    }

    public void Arguments(JsonArguments arguments)
    {
        Number(arguments.Count);
        Bytes(arguments.Utf8.Span);
        Number(arguments.Attachments.Length);
        foreach (ReadOnlyMemory<byte> attachment in arguments.Attachments)
        {
            Bytes(attachment.Span);
        }
    }

    /// <summary>Overwrites what was written before.</summary>
    public void PatchInt64(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(at), value);

    public void Dispose()
    {
        byte[] bytes = _bytes;
        _bytes = [];
        if (bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private Span<byte> Take(int length)
    {
        if (_bytes.Length - Length < length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_bytes.Length * 2, Length + length));
            _bytes.AsSpan(0, Length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }

        Span<byte> taken = _bytes.AsSpan(Length, length);
        Length += length;
        return taken;
    }
}

using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;

namespace WsServer.Wire;

/// <summary>
/// The names that the program has given to events and namespaces, so that reading one from a message makes no string.
/// Clients cannot add to it.
/// </summary>
/// <remarks>Safe for concurrent use.</remarks>
public sealed class NameTable
{
    private const int MaxLength = 128;

    private readonly ConcurrentDictionary<string, string> _names;
    private readonly ConcurrentDictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> _bySpan;

    internal NameTable()
    {
        _names = new(StringComparer.Ordinal);
        _bySpan = _names.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    internal void Add(string name) => _names.TryAdd(name, name);

    /// <summary>The string that the reader stands on.</summary>
    /// <exception cref="InvalidOperationException">It is no text: an escape like <c>"\ud800"</c>.</exception>
    public string Read(ref readonly Utf8JsonReader reader) =>
        reader.HasValueSequence || reader.ValueIsEscaped ? reader.GetString()! : Get(reader.ValueSpan);

    /// <summary>The string of these bytes, which are valid UTF-8.</summary>
    public string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MaxLength)
        {
            return Encoding.UTF8.GetString(utf8);
        }

        Span<char> name = stackalloc char[MaxLength];
        int length = Encoding.UTF8.GetChars(utf8, name);
        return _bySpan.TryGetValue(name[..length], out string? found) ? found : name[..length].ToString();
    }
}

using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;

namespace WsServer.Wire;

/// <summary>
/// The names that the program has given to events and namespaces, so that reading one from a message makes no string.
/// Clients cannot add to it.
/// </summary>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class NameTable
{
    private const int MaxLength = 128;

    private readonly ConcurrentDictionary<string, string> _names;
    private readonly ConcurrentDictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> _bySpan;

    public NameTable()
    {
        _names = new(StringComparer.Ordinal);
        _bySpan = _names.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public void Add(string name) => _names.TryAdd(name, name);

    /// <summary>The string that the reader stands on.</summary>
    /// <exception cref="InvalidOperationException">It is no text: an escape like <c>"\ud800"</c>.</exception>
    public string Read(ref readonly Utf8JsonReader reader)
    {
        if (reader.HasValueSequence || reader.ValueIsEscaped || reader.ValueSpan.Length > MaxLength)
        {
            return reader.GetString()!;
        }

        Span<char> name = stackalloc char[MaxLength];
        int length = Encoding.UTF8.GetChars(reader.ValueSpan, name);
        return _bySpan.TryGetValue(name[..length], out string? found) ? found : name[..length].ToString();
    }
}

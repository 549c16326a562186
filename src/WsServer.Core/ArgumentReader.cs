using System.Text.Json;

namespace WsServer;

/// <summary>Reads arguments one after the other.</summary>
internal ref struct ArgumentReader
{
    private readonly EventSerializer _serializer;
    private readonly JsonArguments _arguments;
    private Utf8JsonReader _reader;
    private int _next;

    public ArgumentReader(EventSerializer serializer, JsonArguments arguments)
    {
        _serializer = serializer;
        _arguments = arguments;
        _reader = arguments.Count == 0 ? default : arguments.OpenArray();
    }

    public T Next<T>()
    {
        int index = _next++;
        if (typeof(T) == typeof(JsonArguments))
        {
            return (T)(object)Raw(index);
        }

        if (index >= _arguments.Count)
        {
            if (typeof(T) == typeof(JsonElement) || Nullable.GetUnderlyingType(typeof(T)) is not null)
            {
                return default!;
            }

            throw EventSerializer.Invalid("is missing", "$", index, Math.Max(_arguments.Count, index + 1), null);
        }

        if (index > 0 || _arguments.Count > 1)
        {
            // Deserialize starts at the value's own token when the reader stands on it.
            _reader.Read();
        }

        return _serializer.Read<T>(ref _reader, _arguments, index);
    }

    // One argument as it came, with memory of its own; nothing, when it is missing.
    private JsonArguments Raw(int index)
    {
        if (index >= _arguments.Count)
        {
            return default;
        }

        if (_arguments.Count > 1)
        {
            _reader.Read();
            _reader.Skip();
        }

        return new RawArguments(_arguments)[index].ToArguments();
    }

    public void Skip()
    {
        if (_next++ < _arguments.Count)
        {
            _reader.Read();
            _reader.Skip();
        }
    }
}

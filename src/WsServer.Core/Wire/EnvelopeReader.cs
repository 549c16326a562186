using System.Text.Json;
using System.Text.Unicode;

namespace WsServer.Wire;

/// <summary>
/// Reads one envelope in one pass. After a fault it goes on to the end, since a later <c>id</c> tells which event the
/// error answers.
/// </summary>
internal ref struct EnvelopeReader
{
    private readonly ReadOnlyMemory<byte> _json;
    private readonly EnvelopeLimits _limits;
    private readonly NameTable _names;
    private Utf8JsonReader _reader;
    private Envelope _envelope;
    private EventError? _fault;

    private EnvelopeReader(ReadOnlyMemory<byte> json, EnvelopeLimits limits, NameTable names)
    {
        _json = json;
        _limits = limits;
        _names = names;
        _reader = new Utf8JsonReader(json.Span, new JsonReaderOptions { MaxDepth = int.MaxValue });
    }

    /// <summary>Reads one envelope: the packet, or else the error to answer with.</summary>
    public static bool TryRead(
        ReadOnlyMemory<byte> json, ReadOnlyMemory<byte>? attachments, EnvelopeLimits limits, NameTable names, out Packet packet, out Packet answer)
    {
        packet = default;
        answer = default;
        if (!Utf8.IsValid(json.Span))
        {
            answer = Refuse(EnvelopeErrors.NotUtf8());
            return false;
        }

        var reader = new EnvelopeReader(json, limits, names);
        try
        {
            reader.ReadMembers();
            reader._fault ??= reader._envelope.FindConflict() ?? reader._envelope.Attach(attachments);
        }
        catch (JsonException exception)
        {
            answer = Refuse(EnvelopeErrors.NotJson(json.Span, exception));
            return false;
        }
        catch (InvalidOperationException)
        {
            // What the reader throws for an escape like "\ud800", half of a surrogate pair.
            answer = Refuse(EnvelopeErrors.NoCharacter(reader._reader.TokenStartIndex));
            return false;
        }

        packet = reader._envelope.ToPacket();
        if (reader._fault is null)
        {
            return true;
        }

        answer = packet.Refuse(reader._fault);
        return false;
    }

    // There is no packet yet that it could answer.
    private static Packet Refuse(EventError error) => new(PacketKind.Error) { Error = error };

    private void Fault(string message, string? path = null) => _fault ??= EnvelopeErrors.Invalid(message, path);

    private void ReadMembers()
    {
        _reader.Read();
        if (_reader.TokenType != JsonTokenType.StartObject)
        {
            Fault("An envelope is a JSON object.");
            SkipValue(out _);
            _reader.Read();
            return;
        }

        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            Member member = EnvelopeMembers.Of(ref _reader);
            _reader.Read();
            if (!_envelope.TryAdd(member))
            {
                Fault($"'{member.Name()}' is given twice.", member.Name());
                member = Member.None;
            }

            ReadMember(member);
        }

        // Throws for anything behind the object.
        _reader.Read();
    }

    private void ReadMember(Member member)
    {
        switch (member)
        {
            case Member.Event:
                _envelope.Name = ReadName(member);
                if (_envelope.Name is { } name && ReservedNames.Contains(name) && name != ReservedNames.Token)
                {
                    Fault($"'{name}' is a reserved name.", "event");
                }

                break;
            case Member.Connect or Member.Disconnect:
                _envelope.Name = ReadNamespace(member);
                break;
            case Member.Namespace:
                _envelope.Namespace = ReadNamespace(member);
                break;
            case Member.Id:
                _envelope.Id = ReadId(member);
                break;
            case Member.Ack:
                _envelope.Ack = ReadId(member);
                break;
            case Member.Data:
                _envelope.Arguments = new JsonArguments(SkipValue(out _), 1);
                break;
            case Member.Auth:
                _envelope.Auth = new JsonArguments(SkipValue(out _), 1);
                break;
            case Member.Ping or Member.Pong:
                _envelope.Echo = new JsonArguments(SkipValue(out _), 1);
                break;
            case Member.Args:
                ReadArgs();
                break;
            case Member.Error:
                ReadError();
                break;
            case Member.Bin:
                ReadLengths();
                break;
            case Member.Session:
                ReadSession();
                break;
            case Member.Seq:
                ReadSeq();
                break;
            default:
                SkipValue(out _);
                break;
        }
    }

    private string? ReadName(Member member)
    {
        if (_reader.TokenType != JsonTokenType.String)
        {
            Fault($"'{member.Name()}' is a string.", member.Name());
            SkipValue(out _);
            return null;
        }

        string name = _names.Read(ref _reader);
        if (name.Length == 0)
        {
            Fault($"'{member.Name()}' is empty.", member.Name());
            return null;
        }

        if (name.Length > _limits.MaxNameLength)
        {
            _fault ??= EnvelopeErrors.NameTooLong(member, _limits.MaxNameLength, name.Length);
            return null;
        }

        return name;
    }

    private string? ReadNamespace(Member member)
    {
        string? name = ReadName(member);
        if (name is null || name[0] == '/')
        {
            return name;
        }

        Fault($"'{member.Name()}' is a namespace, which begins with '/'.", member.Name());
        return null;
    }

    private PacketId ReadId(Member member)
    {
        if (_reader.TokenType == JsonTokenType.Number && _reader.TryGetInt64(out long number) && number is >= 0 and <= PacketId.MaxNumber)
        {
            return new PacketId(number);
        }

        if (_reader.TokenType == JsonTokenType.String && _reader.GetString() is { Length: <= PacketId.MaxTextLength } text)
        {
            return new PacketId(text);
        }

        Fault($"'{member.Name()}' is an integer from 0 to 2^53-1 or a string of at most {PacketId.MaxTextLength} characters.", member.Name());
        SkipValue(out _);
        return default;
    }

    private void ReadSession()
    {
        if (_reader.TokenType == JsonTokenType.String)
        {
            _envelope.Session = _reader.GetString();
            return;
        }

        Fault("'session' is a string.", "session");
        SkipValue(out _);
    }

    private void ReadSeq()
    {
        if (_reader.TokenType == JsonTokenType.Number && _reader.TryGetInt64(out long seq) && seq is >= 0 and <= PacketId.MaxNumber)
        {
            _envelope.Seq = seq;
            return;
        }

        Fault("'seq' is an integer from 0 to 2^53-1.", "seq");
        SkipValue(out _);
    }

    private void ReadArgs()
    {
        bool isArray = _reader.TokenType == JsonTokenType.StartArray;
        ReadOnlyMemory<byte> value = SkipValue(out int count);
        if (!isArray)
        {
            Fault("'args' is an array.", "args");
            return;
        }

        _envelope.Arguments = JsonArguments.OfArray(value, count);
    }

    private void ReadError()
    {
        ReadOnlyMemory<byte> value = SkipValue(out _);
        if (value.Span[0] != (byte)'{')
        {
            Fault("'error' is an object with 'code' and 'message'.", "error");
            return;
        }

        // One that nests too deep is not built.
        if (_fault is null)
        {
            _envelope.Error = ErrorObject.Read(value.Span);
        }
    }

    private void ReadLengths()
    {
        ReadOnlyMemory<byte> value = SkipValue(out int count);
        if (!Placeholders.TryReadLengths(value.Span, count, out int[] lengths))
        {
            Fault("'bin' is an array of lengths in bytes.", "bin");
            return;
        }

        _envelope.Lengths = lengths;
    }

    /// <summary>Passes the value at hand and returns its bytes; counts the elements of an array.</summary>
    private ReadOnlyMemory<byte> SkipValue(out int count)
    {
        int start = (int)_reader.TokenStartIndex;
        count = 0;
        if (_reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
        {
            int depth = _reader.CurrentDepth;
            while (_reader.Read() && _reader.CurrentDepth > depth)
            {
                if (_reader.CurrentDepth == depth + 1 && _reader.TokenType is not (JsonTokenType.EndObject or JsonTokenType.EndArray or JsonTokenType.PropertyName))
                {
                    count++;
                }

                // CurrentDepth counts the levels around a token: on a start token the level that it opens comes on top.
                if (_reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && _reader.CurrentDepth >= _limits.MaxDepth)
                {
                    _fault ??= EnvelopeErrors.TooDeep(_limits.MaxDepth);
                }
            }
        }

        return _json[start..(int)_reader.BytesConsumed];
    }
}

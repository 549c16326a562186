using System.Text.Json;
using System.Text.Json.Nodes;
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
    private Member _seen;
    private Member _twice;
    private string? _name;
    private string? _namespace;
    private PacketId _id;
    private PacketId _ack;
    private JsonArguments _arguments;
    private JsonArguments _auth;
    private JsonArguments _echo;
    private EventError? _ackError;
    private int[]? _lengths;
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
            answer = Error(ErrorCodes.InvalidJson, "The text is not valid UTF-8.", null);
            return false;
        }

        var envelope = new EnvelopeReader(json, limits, names);
        try
        {
            envelope.ReadMembers();
            envelope.CheckMembers(attachments);
        }
        catch (JsonException exception)
        {
            answer = Error(ErrorCodes.InvalidJson, "The text is not JSON.", new() { ["position"] = Position(json.Span, exception) });
            return false;
        }
        catch (InvalidOperationException)
        {
            // What the reader throws for an escape like "\ud800", half of a surrogate pair.
            answer = Error(ErrorCodes.InvalidJson, "A string has an escape that is no character.", new() { ["position"] = envelope._reader.TokenStartIndex });
            return false;
        }

        packet = envelope.ToPacket();
        if (envelope._fault is null)
        {
            return true;
        }

        answer = packet.Refuse(envelope._fault);
        return false;
    }

    public static Packet Invalid(string message) => Error(ErrorCodes.InvalidEnvelope, message, null);

    private static Packet Error(string code, string message, JsonObject? details) =>
        new(PacketKind.Error) { Error = new EventError(code, message, details) };

    private static long Position(ReadOnlySpan<byte> json, JsonException exception)
    {
        long start = 0;
        for (long line = exception.LineNumber ?? 0; line > 0; line--)
        {
            start += json[(int)start..].IndexOf((byte)'\n') + 1;
        }

        return start + (exception.BytePositionInLine ?? 0);
    }

    private void Fault(string message, string? path = null)
        => _fault ??= new EventError(ErrorCodes.InvalidEnvelope, message, path is null ? null : new() { ["path"] = path });

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
            if (member != Member.None && (_seen & member) != 0)
            {
                _twice |= member;
                Fault($"'{member.Name()}' is given twice.", member.Name());
                member = Member.None;
            }

            _seen |= member;
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
                _name = ReadName(member);
                if (_name is not null && ReservedNames.Contains(_name))
                {
                    Fault($"'{_name}' is a reserved name.", "event");
                }

                break;
            case Member.Connect or Member.Disconnect:
                _name = ReadNamespace(member);
                break;
            case Member.Namespace:
                _namespace = ReadNamespace(member);
                break;
            case Member.Id:
                _id = ReadId(member);
                break;
            case Member.Ack:
                _ack = ReadId(member);
                break;
            case Member.Data:
                _arguments = new JsonArguments(SkipValue(out _), 1);
                break;
            case Member.Auth:
                _auth = new JsonArguments(SkipValue(out _), 1);
                break;
            case Member.Ping or Member.Pong:
                _echo = new JsonArguments(SkipValue(out _), 1);
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
            _fault ??= new EventError(
                ErrorCodes.InvalidEnvelope,
                $"'{member.Name()}' is longer than {_limits.MaxNameLength} characters.",
                new() { ["path"] = member.Name(), ["limit"] = _limits.MaxNameLength, ["actual"] = name.Length });
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

    private void ReadArgs()
    {
        bool isArray = _reader.TokenType == JsonTokenType.StartArray;
        ReadOnlyMemory<byte> value = SkipValue(out int count);
        if (!isArray)
        {
            Fault("'args' is an array.", "args");
            return;
        }

        // One argument is kept as its bare value, so that nothing behind the codec sees two forms of it.
        _arguments = count switch
        {
            0 => default,
            1 => new JsonArguments(OnlyElement(value), 1),
            _ => new JsonArguments(value, count),
        };
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

    private void ReadError()
    {
        ReadOnlyMemory<byte> value = SkipValue(out _);
        if (value.Span[0] != (byte)'{')
        {
            Fault("'error' is an object with 'code' and 'message'.", "error");
            return;
        }

        // Only an ack has it, and only when the client failed: too rare for a reader of its own. Too deep is a fault already.
        if (_fault is not null)
        {
            return;
        }

        var anyDepth = new JsonDocumentOptions { MaxDepth = int.MaxValue, AllowDuplicateProperties = false };
        JsonObject members = JsonNode.Parse(value.Span, documentOptions: anyDepth)!.AsObject();
        string code = Take(members, "code") ?? "error";
        string message = Take(members, "message") ?? code;

        // Written once here, so that a string which is no text fails now and not where the error is passed on.
        _ackError = new EventError(code, message, members.Count > 0 ? JsonNode.Parse(members.ToJsonString(), documentOptions: anyDepth)!.AsObject() : null);
    }

    private static string? Take(JsonObject members, string name)
    {
        string? text = members[name] is JsonValue value && value.TryGetValue(out string? found) ? found : null;
        members.Remove(name);
        return text;
    }

    private void ReadLengths()
    {
        ReadOnlyMemory<byte> value = SkipValue(out int count);
        if (value.Span[0] != (byte)'[')
        {
            Fault("'bin' is an array of lengths in bytes.", "bin");
            return;
        }

        var reader = new Utf8JsonReader(value.Span);
        reader.Read();
        var lengths = new int[count];
        for (int i = 0; i < count; i++)
        {
            reader.Read();
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out lengths[i]) || lengths[i] < 0)
            {
                Fault("'bin' is an array of lengths in bytes.", "bin");
                return;
            }
        }

        _lengths = lengths;
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
                    _fault ??= new EventError(
                        ErrorCodes.InvalidEnvelope, $"The JSON nests deeper than {_limits.MaxDepth} levels.", new() { ["limit"] = _limits.MaxDepth });
                }
            }
        }

        return _json[start..(int)_reader.BytesConsumed];
    }

    private void CheckMembers(ReadOnlyMemory<byte>? attachments)
    {
        if (_fault is null)
        {
            CheckVerb();
        }

        if (_fault is null && (_seen & (Member.Data | Member.Args)) == (Member.Data | Member.Args))
        {
            Fault("'data' and 'args' exclude each other.", "args");
        }

        if (_fault is null)
        {
            CheckAttachments(attachments);
        }
    }

    private void CheckVerb()
    {
        // "error" is a member of an ack, and otherwise a verb of the server.
        bool isRefusal = (_seen & (Member.Ack | Member.Error)) == (Member.Ack | Member.Error);
        Member verb = _seen & Member.Verbs & (isRefusal ? ~Member.Error : ~Member.None);
        if (verb == Member.None)
        {
            Fault("An envelope has one verb: event, ack, connect, disconnect, ping or pong.");
        }
        else if ((verb & (verb - 1)) != 0)
        {
            Fault("An envelope has one verb; this one has several.");
        }
        else if ((verb & (Member.Connected | Member.ConnectError | Member.Error)) != 0)
        {
            Fault($"'{verb.Name()}' is for the server to say.", verb.Name());
        }
        else if (isRefusal && (_seen & (Member.Data | Member.Args)) != 0)
        {
            Fault("An ack has data or an error, not both.", "error");
        }
    }

    private void CheckAttachments(ReadOnlyMemory<byte>? attachments)
    {
        if (attachments is null)
        {
            if ((_seen & Member.Bin) != 0)
            {
                Fault("'bin' belongs in a binary message.", "bin");
            }

            return;
        }

        if (_lengths is null)
        {
            Fault("A binary message says in 'bin' how long its attachments are.", "bin");
            return;
        }

        if (!Placeholders.TrySplit(attachments.Value, _lengths, out ReadOnlyMemory<byte>[] parts))
        {
            Fault("'bin' announces more or fewer bytes than the message has.", "bin");
        }
        else if (!Placeholders.AreComplete(_arguments.Utf8.Span, parts.Length))
        {
            Fault("Each attachment stands in the data exactly once.", "bin");
        }

        _arguments = new JsonArguments(_arguments.Utf8, _arguments.Count, parts);
    }

    private readonly Packet ToPacket()
    {
        if ((_seen & Member.Event) != 0)
        {
            // An id given twice, or a namespace that is none, leaves open which event an error would answer.
            bool isTied = (_twice & (Member.Id | Member.Namespace)) == 0 && ((_seen & Member.Namespace) == 0 || _namespace is not null);
            return new Packet(PacketKind.Event) { Event = _name ?? "", Namespace = _namespace, Id = isTied ? _id : default, Arguments = _arguments };
        }

        PacketKind kind = (_seen & Member.Verbs & ~Member.Error) switch
        {
            Member.Connect => PacketKind.Connect,
            Member.Disconnect => PacketKind.Disconnect,
            Member.Ping => PacketKind.Ping,
            Member.Pong => PacketKind.Pong,
            Member.Ack => PacketKind.Ack,
            _ => PacketKind.Error,
        };
        string? ns = kind is PacketKind.Connect or PacketKind.Disconnect ? _name : _namespace;
        JsonArguments arguments = kind switch
        {
            PacketKind.Connect => _auth,
            PacketKind.Ping or PacketKind.Pong => _echo,
            _ => _arguments,
        };
        return new Packet(kind) { Namespace = ns, Id = _ack, Arguments = arguments, Error = _ackError };
    }
}

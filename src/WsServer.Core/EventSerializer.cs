using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using WsServer.Wire;

namespace WsServer;

/// <summary>
/// Turns values into the arguments of an event and back, with <see cref="System.Text.Json"/> and the application's
/// options (<c>ConfigureHttpJsonOptions</c>, or <see cref="EventServerOptions.UseJsonSerializerOptions"/>). With a
/// <see cref="JsonSerializerContext"/> in those options nothing is done by reflection. <c>byte[]</c>,
/// <c>Memory&lt;byte&gt;</c> and <c>ReadOnlyMemory&lt;byte&gt;</c> travel as attachments to clients that take
/// binary and as base64 to others. What is escaped is the wire's affair: the options' <c>Encoder</c> is not used.
/// </summary>
/// <remarks>Safe for concurrent use.</remarks>
public sealed class EventSerializer
{
    private readonly JsonSerializerOptions _options;

    /// <summary>Makes a serializer.</summary>
    /// <param name="options">The application's options, which are copied. Without a type info resolver they use reflection, where the application allows it.</param>
    public EventSerializer(JsonSerializerOptions options)
    {
        _options = new JsonSerializerOptions(options);
        if (_options.TypeInfoResolver is null && JsonSerializer.IsReflectionEnabledByDefault)
        {
            _options.TypeInfoResolver = CreateReflectionResolver();
        }

        _options.Converters.Add(new ByteArrayConverter());
        _options.Converters.Add(new ReadOnlyMemoryConverter());
        _options.Converters.Add(new MemoryConverter());
        _options.MakeReadOnly();
    }

    /// <summary>One argument.</summary>
    /// <exception cref="NotSupportedException">The type cannot be serialized.</exception>
    public JsonArguments Write<T>(T value) => Write(1, value, (writer, v, self) => self.WriteOne(writer, v));

    /// <summary>Two arguments.</summary>
    public JsonArguments Write<T1, T2>(T1 first, T2 second) => Write(2, (first, second), (writer, v, self) =>
    {
        self.WriteOne(writer, v.first);
        self.WriteOne(writer, v.second);
    });

    /// <summary>Three arguments.</summary>
    public JsonArguments Write<T1, T2, T3>(T1 first, T2 second, T3 third) => Write(3, (first, second, third), (writer, v, self) =>
    {
        self.WriteOne(writer, v.first);
        self.WriteOne(writer, v.second);
        self.WriteOne(writer, v.third);
    });

    /// <summary>Any number of arguments.</summary>
    public JsonArguments WriteAll(params object?[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values.Length == 0 ? default : Write(values.Length, values, (writer, all, self) =>
        {
            foreach (object? value in all)
            {
                self.WriteOne(writer, value);
            }
        });
    }

    /// <summary>One value as JSON and nothing else: bytes as base64.</summary>
    internal byte[] WriteText<T>(T value)
    {
        using JsonScratch scratch = JsonScratch.Rent();
        List<ReadOnlyMemory<byte>>? outer = BinaryScope.Outgoing;
        BinaryScope.Outgoing = null;
        try
        {
            WriteOne(scratch.Writer, value);
        }
        finally
        {
            BinaryScope.Outgoing = outer;
        }

        return scratch.Finish().ToArray();
    }

    /// <summary>Reads one argument.</summary>
    /// <exception cref="EventException"><c>invalid_data</c>: it is missing, null, or does not fit the type; <c>path</c> says where.</exception>
    public T Read<T>(JsonArguments arguments, int index = 0)
    {
        var reader = new ArgumentReader(this, arguments);
        for (int i = 0; i < index; i++)
        {
            reader.Skip();
        }

        return reader.Next<T>();
    }

    internal T Read<T>(ref Utf8JsonReader reader, JsonArguments arguments, int index)
    {
        ReadOnlyMemory<byte>[]? outer = BinaryScope.Incoming;
        BinaryScope.Incoming = arguments.AttachmentArray;
        try
        {
            // Null is refused, as a handler that asks for a Message expects one; Nullable<T> and JsonElement take it.
            return JsonSerializer.Deserialize(ref reader, (JsonTypeInfo<T>)_options.GetTypeInfo(typeof(T)))
                ?? (default(T) is null && Nullable.GetUnderlyingType(typeof(T)) is not null ? default! : throw Invalid("is null", "$", index, arguments.Count, null));
        }
        catch (JsonException exception)
        {
            throw Invalid($"does not fit {Describe(typeof(T))}", exception.Path ?? "$", index, arguments.Count, exception);
        }
        finally
        {
            BinaryScope.Incoming = outer;
        }
    }

    internal static EventException Invalid(string what, string path, int index, int count, Exception? inner)
    {
        // "$" is the argument itself; with several arguments the path says which, as "$[1].name".
        string full = count > 1 ? $"$[{index}]{path.AsSpan(1)}" : path;
        return new EventException(ErrorCodes.InvalidData, $"The data at {full} {what}.", new() { ["path"] = full }, inner);
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Only called where the application has left reflection on, which trimming turns off.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "As above.")]
    private static DefaultJsonTypeInfoResolver CreateReflectionResolver() => new();

    private static string Describe(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.String => "a string",
        TypeCode.Boolean => "a boolean",
        TypeCode.Object => "what this event takes",
        _ => "a number",
    };

    private JsonArguments Write<TState>(int count, TState state, Action<Utf8JsonWriter, TState, EventSerializer> write)
    {
        using JsonScratch scratch = JsonScratch.Rent();
        List<ReadOnlyMemory<byte>>? outer = BinaryScope.Outgoing;
        List<ReadOnlyMemory<byte>> attachments = BinaryScope.Outgoing = [];
        try
        {
            if (count == 1)
            {
                write(scratch.Writer, state, this);
            }
            else
            {
                scratch.Writer.WriteStartArray();
                write(scratch.Writer, state, this);
                scratch.Writer.WriteEndArray();
            }
        }
        finally
        {
            BinaryScope.Outgoing = outer;
        }

        return new JsonArguments(scratch.Finish().ToArray(), count, attachments.Count > 0 ? attachments.ToArray() : null);
    }

    private void WriteOne<T>(Utf8JsonWriter writer, T value)
    {
        if (typeof(T) == typeof(object) && value is not null && value.GetType() != typeof(object))
        {
            JsonSerializer.Serialize(writer, value, _options.GetTypeInfo(value.GetType()));
        }
        else if (value is null)
        {
            writer.WriteNullValue();
        }
        else
        {
            JsonSerializer.Serialize(writer, value, (JsonTypeInfo<T>)_options.GetTypeInfo(typeof(T)));
        }
    }

    // Converters get no state of their own; serialization is synchronous, so the thread can carry it.
    private static class BinaryScope
    {
        [ThreadStatic]
        internal static List<ReadOnlyMemory<byte>>? Outgoing;

        [ThreadStatic]
        internal static ReadOnlyMemory<byte>[]? Incoming;

        public static ReadOnlyMemory<byte> Read(ref Utf8JsonReader reader)
        {
            if (reader.TokenType == JsonTokenType.String && reader.TryGetBytesFromBase64(out byte[]? bytes))
            {
                return bytes;
            }

            if (reader.TokenType == JsonTokenType.StartObject && Placeholders.TryRead(ref reader, out int number)
                && Incoming is { } attachments && (uint)number < (uint)attachments.Length)
            {
                return attachments[number];
            }

            throw new JsonException();
        }

        public static void Write(Utf8JsonWriter writer, ReadOnlyMemory<byte> bytes)
        {
            if (Outgoing is not { } attachments)
            {
                writer.WriteBase64StringValue(bytes.Span);
                return;
            }

            // Copied: what is emitted must not change when the caller uses its buffer again.
            attachments.Add(bytes.ToArray());
            Placeholders.Write(writer, attachments.Count - 1);
        }
    }

    private sealed class ByteArrayConverter : JsonConverter<byte[]>
    {
        public override byte[] Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => BinaryScope.Read(ref reader).ToArray();

        public override void Write(Utf8JsonWriter writer, byte[] value, JsonSerializerOptions options) => BinaryScope.Write(writer, value);
    }

    private sealed class ReadOnlyMemoryConverter : JsonConverter<ReadOnlyMemory<byte>>
    {
        public override ReadOnlyMemory<byte> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => BinaryScope.Read(ref reader).ToArray();

        public override void Write(Utf8JsonWriter writer, ReadOnlyMemory<byte> value, JsonSerializerOptions options) => BinaryScope.Write(writer, value);
    }

    private sealed class MemoryConverter : JsonConverter<Memory<byte>>
    {
        public override Memory<byte> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => BinaryScope.Read(ref reader).ToArray();

        public override void Write(Utf8JsonWriter writer, Memory<byte> value, JsonSerializerOptions options) => BinaryScope.Write(writer, value);
    }
}

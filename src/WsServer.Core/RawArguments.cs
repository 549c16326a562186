using System.Text.Json;
using WsServer.Wire;

namespace WsServer;

/// <summary>
/// The arguments of an event where they lie: in the buffer that they were received in. Reading or relaying them copies
/// nothing and allocates nothing, and being a <c>ref struct</c> they cannot be kept or carried over an <c>await</c>;
/// <see cref="ToArguments"/> gives a copy that can.
/// </summary>
public readonly ref struct RawArguments
{
    private readonly JsonArguments _arguments;

    internal RawArguments(JsonArguments arguments) => _arguments = arguments;

    /// <summary>How many arguments there are.</summary>
    public int Count => _arguments.Count;

    /// <summary>The bytes: the bare JSON value of one argument, a JSON array of several, nothing for none.</summary>
    public ReadOnlySpan<byte> Utf8 => _arguments.Utf8.Span;

    /// <summary>The binary attachments, for which <c>{"_placeholder":true,"num":i}</c> stands in the JSON.</summary>
    public ReadOnlySpan<ReadOnlyMemory<byte>> Attachments => _arguments.Attachments;

    // Only for calls that are through with it when they return.
    internal JsonArguments Borrowed => _arguments;

    /// <summary>One argument.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1.</param>
    public RawArguments this[int index] => Part(_arguments, _arguments[index]);

    /// <summary>Arguments that may be kept may be used for a moment.</summary>
    public static implicit operator RawArguments(JsonArguments arguments) => new(arguments);

    /// <summary>Arguments that may be kept may be used for a moment.</summary>
    public static RawArguments FromJsonArguments(JsonArguments arguments) => new(arguments);

    /// <summary>Finds a member of the one argument, which is an object. Of several with this name, the last counts.</summary>
    /// <param name="name">The member's name, in UTF-8.</param>
    /// <param name="value">Its value.</param>
    /// <returns>False when the argument is no object or has no such member.</returns>
    public bool TryGetMember(ReadOnlySpan<byte> name, out RawArguments value)
    {
        // The caller may put the value where this is.
        JsonArguments arguments = _arguments;
        value = default;
        if (arguments.Count != 1)
        {
            return false;
        }

        var reader = new Utf8JsonReader(arguments.Utf8.Span, new JsonReaderOptions { MaxDepth = int.MaxValue });
        bool isFound = false;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isNamed = IsNamed(ref reader, name);
            reader.Read();
            int start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (isNamed)
            {
                isFound = true;
                value = Part(arguments, arguments.Utf8[start..(int)reader.BytesConsumed]);
            }
        }

        return isFound;
    }

    /// <summary>Copies the one argument, which is a string, without its quotes and escapes.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="text">The part of <paramref name="buffer"/> that was filled.</param>
    /// <returns>False when the argument is no string, is longer than the buffer, or has an escape that is no text.</returns>
    public bool TryGetString(Span<char> buffer, out ReadOnlySpan<char> text)
    {
        text = default;
        if (Count != 1)
        {
            return false;
        }

        var reader = new Utf8JsonReader(Utf8, new JsonReaderOptions { MaxDepth = int.MaxValue });
        if (!reader.Read() || reader.TokenType != JsonTokenType.String)
        {
            return false;
        }

        try
        {
            text = buffer[..reader.CopyString(buffer)];
            return true;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            // Too long for the buffer, or an escape like "\ud800", half of a surrogate pair.
            return false;
        }
    }

    /// <summary>A copy, to keep for as long as one likes.</summary>
    public JsonArguments ToArguments() => _arguments.Copy();

    /// <summary>The JSON text, for logs and debuggers.</summary>
    public override string ToString() => _arguments.ToString();

    private static bool IsNamed(ref readonly Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        try
        {
            return reader.ValueTextEquals(name);
        }
        catch (InvalidOperationException)
        {
            // A name with half of a surrogate pair is nobody's.
            return false;
        }
    }

    private static RawArguments Part(JsonArguments all, ReadOnlyMemory<byte> json) =>
        new(all.AttachmentArray is { } attachments ? Placeholders.Part(json, attachments) : new JsonArguments(json, 1));
}

/// <summary>Handles an event whose arguments are not read, or read where they lie.</summary>
/// <param name="socket">Who sent it.</param>
/// <param name="arguments">The arguments, until the handler returns.</param>
public delegate void RawHandler(EventSocket socket, RawArguments arguments);

/// <summary>The same, with an answer.</summary>
/// <param name="socket">Who sent it.</param>
/// <param name="arguments">The arguments, until the handler returns.</param>
/// <returns>The ack's arguments: those of the event, a part of them, or others.</returns>
public delegate RawArguments RawAckHandler(EventSocket socket, RawArguments arguments);

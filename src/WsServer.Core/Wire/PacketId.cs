using System.Globalization;

namespace WsServer.Wire;

/// <summary>
/// The id of an event that wants an ack: an integer from 0 to 2^53-1, or a string of at most 64 characters, which
/// comes back as it was (<c>docs/protocol.md</c>, section 2).
/// </summary>
public readonly record struct PacketId
{
    /// <summary>The largest integer that every JSON reader keeps exact.</summary>
    public const long MaxNumber = (1L << 53) - 1;

    /// <summary>The longest string, in UTF-16 code units.</summary>
    public const int MaxTextLength = 64;

    // Shifted by one, so that the default value means "no id".
    private readonly long _number;

    /// <summary>Makes a numeric id.</summary>
    public PacketId(long number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, MaxNumber);
        _number = number + 1;
    }

    /// <summary>Makes a textual id.</summary>
    public PacketId(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(text.Length, MaxTextLength);
        Text = text;
    }

    /// <summary>True when no ack is wanted.</summary>
    public bool IsNone => _number == 0 && Text is null;

    /// <summary>The text of a textual id, otherwise null.</summary>
    public string? Text { get; }

    /// <summary>The number of a numeric id, otherwise -1.</summary>
    public long Number => _number - 1;

    /// <inheritdoc />
    public override string ToString() => IsNone ? "" : Text ?? Number.ToString(CultureInfo.InvariantCulture);
}

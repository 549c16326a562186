using System.Buffers.Text;
using System.Globalization;

namespace WsServer.LoadTest.Client;

/// <summary>
/// What every message carries: a JSON string of a fixed length that begins with the message's number in ten digits.
/// An envelope around it has the number at a fixed place, so a receiver can check whole messages by comparing bytes.
/// </summary>
internal static class Payload
{
    /// <summary>The length of the string unless a scenario says otherwise.</summary>
    public const int DefaultLength = 100;

    /// <summary>Where the number goes; no other part of a message looks like it.</summary>
    public const string NumberMark = "0000000000";

    /// <summary>Where the id of an event that wants an ack goes; as wide for every message.</summary>
    public const string IdMark = "1000000";

    private const int FirstId = 1_000_000;
    private const int Ids = 9_000_000;

    /// <summary>The JSON string, with the mark in the number's place.</summary>
    public static string Json(int length) => $"\"{NumberMark}{new string('x', length - NumberMark.Length)}\"";

    /// <summary>The id of the event that carries this number.</summary>
    public static long IdOf(long number) => FirstId + (number % Ids);

    /// <summary>Writes a number with leading zeros, as wide as <paramref name="place"/>.</summary>
    public static void Write(Span<byte> place, long number)
    {
        if (!Utf8Formatter.TryFormat(number, place, out int written, new System.Buffers.StandardFormat('D', (byte)place.Length)) || written != place.Length)
        {
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{number} has more than {place.Length} digits."));
        }
    }
}
